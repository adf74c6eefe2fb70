"""P: where a file is asked for, and which token may be sent along.

A token goes to the exact host it belongs to, over https, and nowhere else: not to a subdomain, not to another
port, not to where a redirect leads (aria2 and older hub clients leak it to the CDN).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from entrypoint.models.catalogue.manifest import File

HUB = "https://huggingface.co"
CIVITAI = "https://civitai.com"
GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"


def address_of(file: File, hub: str = HUB) -> str:
    """The address a file is asked for at.

    Args:
        file: Which file.
        hub: The hub's own address (HF_ENDPOINT).
    """
    if file.source == "huggingface":
        return f"{hub.rstrip('/')}/{file.repo_id}/resolve/{quote(file.revision, safe='')}/{quote(file.path)}"
    if file.source == "github_release":
        return f"{GITHUB}/{file.repo_id}/releases/download/{quote(file.revision)}/{quote(file.path)}"
    if file.source == "civitai":
        return f"{CIVITAI}/api/download/models/{file.version_id}"
    return file.url


def origin_of(url: str) -> str:
    """scheme://host:port, the port always told."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Which token goes where.

    Attributes:
        by_origin: `origin_of` an address -> the token for it.
    """

    by_origin: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, secrets: Mapping[str, str], hub: str = HUB) -> Tokens:
        """From HF_TOKEN, CIVITAI_TOKEN and GITHUB_TOKEN; a hub that is not https gets none."""
        hosts = {
            hub: "HF_TOKEN",
            CIVITAI: "CIVITAI_TOKEN",
            GITHUB: "GITHUB_TOKEN",
            GITHUB_API: "GITHUB_TOKEN",
        }
        return cls({
            origin_of(host): secrets[name]
            for host, name in hosts.items()
            if secrets.get(name) and host.startswith("https://")
        })  # fmt: skip

    def headers(self, url: str, first: str) -> dict[str, str]:
        """The login for a request to `url` in a chain of redirects that began at `first`.

        A redirect inside the first origin keeps it (a renamed repository); one that leaves it loses it.
        """
        origin = origin_of(url)
        token = self.by_origin.get(origin) if origin == origin_of(first) else None
        return {"Authorization": f"Bearer {token}"} if token else {}


def shown(url: str) -> str:
    """An address fit for a log: without its query, where signatures and tokens travel, and without a login."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
