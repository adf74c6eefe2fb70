"""A: what `podkeeper models list` shows: bundles and their files, as lines or as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.models.sources.model_file import File
from entrypoint.models.state_file import last_record
from entrypoint.models.store import ModelStore
from entrypoint.settings.paths import Paths
from entrypoint.system.units import gigabytes

#: The states of a listed file.
INSTALLED, LOCAL, PARTIAL, UNVERIFIED, MISSING = "installed", "local", "partial", "unverified", "missing"
_WORDS = {
    INSTALLED: "installed",
    LOCAL: "installed on the local disk, not on the volume yet",
    UNVERIFIED: "not verified yet",
    MISSING: "missing",
}


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of a bundle, as the JSON has it."""

    dest: str
    path: str
    state: str  # INSTALLED, LOCAL (on the container's own disk alone), PARTIAL, UNVERIFIED or MISSING
    size: int | None  # bytes, where known
    bytes: int  # bytes that the disks have
    sha256: str  # of an installed file, else the manifest's; or ""
    problem: dict[str, str] | None  # name, reason and remedy of the failure in the last run

    def line(self) -> str:
        """For a terminal."""
        size = gigabytes(self.size) if self.size else ""
        words = f"{gigabytes(self.bytes)} of {size or '?'} fetched so far" if self.state == PARTIAL else ""
        text = f"  {self.dest}: {words or _WORDS[self.state]}"
        text += f", {size}" if size and not words else ""
        if self.problem is None or self.state in (INSTALLED, LOCAL):
            return text
        return f"{text}; {self.problem['name']}: {self.problem['reason']}; what to do: {self.problem['remedy']}"


def print_bundles(found: Sequence[WantedBundle], paths: Paths, named: Collection[str], *, as_json: bool) -> None:
    """Print the bundles. `named`: these alone; none: all, and files only of those that are wanted or begun."""
    store, record = ModelStore.of(paths), _by_dest(last_record(paths.runtime).get("files"))
    shown = [each for each in found if not named or each.bundle.name in named]
    listed = [(each, [_listed(store, file, record) for file in each.bundle.files]) for each in shown]
    if as_json:
        print(json.dumps({"bundles": [_content(each, files) for each, files in listed]}, indent=2))
        return
    for each, files in listed:
        there = sum(file.state in (INSTALLED, LOCAL) for file in files)
        state, sizes = "wanted" if each.wanted else "off", f"{there}/{len(files)} files"
        print(f"{each.bundle.name:<12} {state:<7} {sizes:<12} {each.bundle.about} ({each.why})")
        if named or each.wanted or any(file.state != MISSING or file.problem for file in files):
            print(*(file.line() for file in files), sep="\n", end="\n" if files else "")


def _content(each: WantedBundle, files: Sequence[ListedFile]) -> dict[str, object]:
    bundle = each.bundle
    return {
        "name": bundle.name, "about": bundle.about, "wanted": each.wanted, "why": each.why,
        "size_gb": bundle.size_gb, "files": [asdict(file) for file in files],
    }  # fmt: skip


def _listed(store: ModelStore, file: File, record: dict[str, dict[str, object]]) -> ListedFile:
    last, found, path = record.get(file.dest, {}), store.installed(file), store.path(file)
    state, staged = MISSING, 0
    if found:
        state = INSTALLED if store.receipt(file) else LOCAL
        path = path if state == INSTALLED else (store.local or store).path(file)
    elif staged := store.staged_bytes(file) + ((local.staged_bytes(file)) if (local := store.local) else 0):
        state = PARTIAL
    elif os.path.exists(path):
        state = UNVERIFIED
    sizes = (found.get("size"), file.size, last.get("size"))
    size = next((each for each in sizes if isinstance(each, int) and each > 0), None)
    there = size if found and size else staged
    return ListedFile(file.dest, path, state, size, there, str(found.get("sha256") or file.sha256), _problem(last))


def _by_dest(files: object) -> dict[str, dict[str, object]]:
    tables = [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return {str(each.get("dest")): each for each in tables}


def _problem(last: dict[str, object]) -> dict[str, str] | None:
    problem = last.get("problem")
    if last.get("state") != "failed" or not isinstance(problem, dict):
        return None
    return {key: str(problem.get(key, "")) for key in ("name", "reason", "remedy")}
