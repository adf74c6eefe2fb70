"""A: tokens of the model sources: 0600 files in the runtime folder, written at the start, read by the downloads alone.

No program's environment holds a token: neither ComfyUI's custom nodes nor a notebook see them there. A token goes to
the exact host it belongs to, over https, and nowhere else: not to a subdomain, not to another port, not to where a
redirect leads (aria2 and older hub clients leak it to the CDN).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from entrypoint.models.sources.base import origin_of
from entrypoint.models.sources.registry import SOURCES, Sources
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings, without_query
from entrypoint.system.files import read_text, remove, write_atomically

VARIABLES = tuple(source.login_variable for source in SOURCES if source.login_variable)

#: The manifest's address, kept with its query: the signature of a presigned address is a secret.
MANIFEST = "MODELS_MANIFEST"
#: The same for the addresses of workflows.
WORKFLOWS = "WORKFLOWS"


class Tokens:
    """Which token goes to which host."""

    def __init__(self, by_origin: Mapping[str, str] | None = None) -> None:
        """`by_origin`: `origin_of` an address -> the token for it."""
        self._by_origin = by_origin or {}

    @classmethod
    def of(cls, secrets: Mapping[str, str], sources: Sources = SOURCES) -> Tokens:
        """From variable -> token; an address that is not https gets none."""
        return cls({
            origin_of(address): secrets[source.login_variable]
            for source in sources
            for address in (source.home, source.api)
            if secrets.get(source.login_variable) and address.startswith("https://")
        })  # fmt: skip

    def headers(self, url: str, first: str) -> dict[str, str]:
        """The login for a request to `url` in a chain of redirects that began at `first`.

        A redirect inside the first origin keeps it (a renamed repository); one that leaves it loses it.
        """
        origin = origin_of(url)
        token = self._by_origin.get(origin) if origin == origin_of(first) else None
        return {"Authorization": f"Bearer {token}"} if token else {}


def keep_logins(settings: Settings, paths: Paths) -> None:
    """Write the tokens that are set and remove those of an earlier start. Raises OSError where it can't."""
    folder = f"{paths.runtime}/secrets"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name in VARIABLES:
        token = getattr(settings, name.lower())
        if token:
            write_atomically(f"{folder}/{name}", token, 0o600)
        else:
            remove(f"{folder}/{name}")
    for name, places in ((MANIFEST, (settings.models_manifest,)), (WORKFLOWS, settings.workflows)):
        if any(each != without_query(each) for each in places):
            write_atomically(f"{folder}/{name}", ",".join(places), 0o600)
        else:
            remove(f"{folder}/{name}")


def workflow_places(settings: Settings, paths: Paths) -> tuple[str, ...]:
    """The places in WORKFLOWS, addresses with their query. Root reads the file before it changes its user."""
    kept = tuple((read_text(f"{paths.runtime}/secrets/{WORKFLOWS}") or "").split(","))
    return kept if tuple(without_query(each) for each in kept) == settings.workflows else settings.workflows


def manifest_address(settings: Settings, environ: Mapping[str, str]) -> str:
    """The manifest's address with its query, where this process took it (`take_logins`)."""
    kept = environ.get(MANIFEST, "")
    return kept if without_query(kept) == settings.models_manifest else settings.models_manifest


def take_logins(paths: Paths) -> None:
    """Read the pod's logins into this process, which then changes to the services' user, who cannot read the files.

    That user can read neither this process's memory nor its environment: a process that has changed its user is not
    dumpable (prctl(2), PR_SET_DUMPABLE). The downloads start no other process.
    """
    os.environ.update(logins(paths, os.environ))
    if address := read_text(f"{paths.runtime}/secrets/{MANIFEST}"):
        os.environ[MANIFEST] = address


def logins(paths: Paths, environ: Mapping[str, str]) -> dict[str, str]:
    """Variable -> token: of this very environment (a terminal's), else of the pod's start."""
    given = {name: environ.get(name, "").strip() for name in VARIABLES}
    found = {name: text or read_text(f"{paths.runtime}/secrets/{name}") for name, text in given.items()}
    return {name: token for name, token in found.items() if token}
