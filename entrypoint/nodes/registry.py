"""A: ComfyUI's registry of custom nodes (api.comfy.org): where a node's repository is, and its published versions.

The requests are those of ComfyUI-Manager (its cnr_utils.py). A folder that was unpacked from there has `.tracking`, the
list of the files that came with it, so that an update keeps what the user has added.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import urllib.request
import zipfile
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

API = "https://api.comfy.org"
TRACKING = ".tracking"
_TIMEOUT_S = 60
#: Bytes of a published version, and of the registry's response, at most.
MOST, _LARGEST_RESPONSE = 2 << 30, 1 << 20


class NotInRegistry(Exception):
    """The registry has no such node or version, or cannot be asked; the message says which, in one line."""


class Published(NamedTuple):
    """A published version: its name, and the address of its archive."""

    version: str
    archive: str


def published(identifier: str, version: str = "") -> Published:
    """A version of a node, or its newest one.

    Raises:
        NotInRegistry: There is none, or the registry cannot be asked.
    """
    wanted = f"?version={quote(version, safe='')}" if version else ""
    found = _ask(f"{API}/nodes/{quote(identifier, safe='')}/install{wanted}", identifier)
    archive = str(found.get("downloadUrl", ""))
    if not archive:
        raise NotInRegistry(f"ComfyUI's registry has no version {version} of {identifier}".replace("  ", " "))
    return Published(str(found.get("version", "")), archive)


def repository_of(identifier: str) -> str:
    """The address of the node's repository. Raises NotInRegistry."""
    found = str(_ask(f"{API}/nodes/{quote(identifier, safe='')}", identifier).get("repository", ""))
    if not found:
        raise NotInRegistry(f"ComfyUI's registry names no repository of {identifier}")
    return found


def unpack(version: Published, target: str, before: str = "") -> None:
    """Download a version and unpack it into the new folder `target`, with what the user has added to `before`.

    Raises:
        NotInRegistry: It cannot be downloaded, or is no archive.
        OSError: The disk refuses.
    """
    archive = f"{target}.zip.disabled"
    try:
        _download(version.archive, archive)
        with zipfile.ZipFile(archive) as file:
            if sum(each.file_size for each in file.infolist()) > MOST:
                raise NotInRegistry(f"{version.archive} has more than {MOST >> 30} GB")
            os.mkdir(target)
            file.extractall(target)
            names = file.namelist()
    except zipfile.BadZipFile:
        raise NotInRegistry(f"{version.archive} is no zip archive") from None
    finally:
        if os.path.lexists(archive):
            os.unlink(archive)
    with open(f"{target}/{TRACKING}", "w", encoding="utf-8") as tracking:
        tracking.write("\n".join(names))
    if before:
        _copy_additions(before, target)


def _copy_additions(before: str, target: str) -> None:
    """Copy what is in `before` and did not come with it."""
    with open(f"{before}/{TRACKING}", encoding="utf-8", errors="replace") as tracking:
        came = {line.strip() for line in tracking} | {TRACKING}
    for folder, _, names in os.walk(before):
        below = os.path.relpath(folder, before)
        for name in names:
            path = os.path.normpath(f"{below}/{name}")
            if path not in came and "__pycache__" not in path and not os.path.lexists(f"{target}/{path}"):
                os.makedirs(f"{target}/{below}", exist_ok=True)
                shutil.copy2(f"{folder}/{name}", f"{target}/{path}", follow_symlinks=False)


def _ask(address: str, identifier: str) -> dict[str, object]:
    try:
        with urllib.request.urlopen(_checked(address), timeout=_TIMEOUT_S) as response:  # noqa: S310 # http(s), checked
            content = json.loads(response.read(_LARGEST_RESPONSE))
    except HTTPError as error:
        if error.code == 404:
            raise NotInRegistry(f"ComfyUI's registry has no node {identifier}") from None
        raise NotInRegistry(f"ComfyUI's registry responds with {error.code}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotInRegistry(f"cannot ask ComfyUI's registry: {getattr(error, 'reason', error)}") from None
    return content if isinstance(content, dict) else {}


def _download(address: str, path: str) -> None:
    received = 0
    try:
        with urllib.request.urlopen(_checked(address), timeout=_TIMEOUT_S) as response, open(path, "xb") as file:  # noqa: S310
            while block := response.read(1 << 20):
                received += len(block)
                if received > MOST:
                    raise NotInRegistry(f"{address} has more than {MOST >> 30} GB")
                file.write(block)
    except (HTTPError, http.client.HTTPException, urllib.error.URLError) as error:
        raise NotInRegistry(f"cannot download {address}: {getattr(error, 'reason', error)}") from None


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise NotInRegistry(f"{address} is no https address")
    return address
