"""P: a file or repository that a site's search has found."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoint.system.units import gigabytes


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search has found.

    `address`: what `podkeeper models fetch` takes; `where`: the repository or model, with its site; `size`: bytes, 0:
    not known; `sha256`: or ""; `downloads`: of the repository or model, as the site counts them.
    """

    address: str
    where: str
    size: int = 0
    sha256: str = ""
    downloads: int = 0

    def line(self) -> str:
        """The address, and what else is known, in one printable line."""
        facts = [self.where, gigabytes(self.size) if self.size else ""]
        facts += [f"sha256 {self.sha256[:12]}" if self.sha256 else ""]
        facts += [f"{self.downloads} downloads" if self.downloads else ""]
        text = f"{self.address} ({', '.join(each for each in facts if each)})"
        return "".join(each if each.isprintable() else "?" for each in text)


def count_of(value: object) -> int:
    """A number of JSON; 0 where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
