"""A: `podkeeper export`: writes what another ComfyUI needs to run like this pod's into a folder.

A new folder appears whole. In one that is there, only files that an earlier export has written are replaced.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from urllib.parse import unquote, urlsplit, urlunsplit

from entrypoint.nodes.export_files import REQUIREMENTS, ComfyUI, Export, Package, count, files_of
from entrypoint.nodes.inventory import FAILED, LEFT_OUT, LOADED, NEW, OFF, inventory
from entrypoint.nodes.keep_lock import current_lock
from entrypoint.nodes.origin import origin_of, without_login
from entrypoint.nodes.outcome import Refused, report
from entrypoint.packages.distributions import Distribution, added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_list, read_text, write_atomically, write_json

#: In the folder: the hashes of what podkeeper has written there.
_MARK = ".podkeeper-export.json"


def export(paths: Paths, comfyui: ComfyUI, folder: str = "") -> int:
    """Write the files into `folder` ("": `export` in the data folder); returns the exit code."""
    target = os.path.abspath(folder or f"{paths.data}/export")
    return report(_export, paths, comfyui, target, doing=f"write {target}")


def _export(paths: Paths, comfyui: ComfyUI, target: str) -> str:
    found = collect(paths, comfyui)
    write_files(target, files_of(found))
    lines = [f"podkeeper: not exported: {name}: {why}" for name, why in sorted(found.left_out.items())]
    lines += [
        f"podkeeper: only a comment in {REQUIREMENTS}: {p.name}: {p.why_not}" for p in found.packages if p.why_not
    ]
    lines.append(
        f"exported to {target}: {count(len(found.nodes.nodes), 'custom node')}, "
        f"{count(len(found.packages), 'Python package')}; README.txt there says how to restore them"
    )
    return "\n".join(lines)


def collect(paths: Paths, comfyui: ComfyUI) -> Export:
    """What is exported: nodes that ComfyUI has loaded or will load for the first time; not one that it cannot load."""
    overlay = Overlay.found(f"{paths.packages}/env")
    above = added(overlay.site) if overlay else {}
    packages = [package(overlay.site, each) for each in above.values()] if overlay else []
    nodes = inventory(paths)
    off = {each.origin.repository: each.origin.commit for each in nodes if each.state == OFF and each.origin.repository}
    left_out = {each.name: each.reason or each.state for each in nodes if each.state in (FAILED, LEFT_OUT)}
    lock = current_lock(paths, (LOADED, NEW))
    packages += [Package(name, version) for name, version in lock.packages.items() if name not in above]
    version = comfyui.version or lock.comfyui
    return Export(
        ComfyUI(version, comfyui.commit, comfyui.repository, comfyui.manager), lock, packages, off, left_out, paths.data
    )


def package(site: str, each: Distribution) -> Package:
    """The package, and where pip had it from: direct_url.json (PEP 610)."""
    try:
        content = json.loads(read_text(f"{site}/{each.info}/direct_url.json") or "{}")
        url = str(content.get("url", ""))
        address, folder = _address(url, content.get("vcs_info"), content.get("subdirectory")), content.get("dir_info")
    except (ValueError, AttributeError, RecursionError):
        url, address, folder = "", "", None
    if url.startswith("file:"):
        path = unquote(urlsplit(url).path)
        source = origin_of(path) if folder is not None else None
        if source and source.repository and source.commit:
            return Package(each.name, each.version, f"git+{source.repository}@{source.commit}")
        return Package(each.name, each.version, "", f"it was installed from {path}, which only this pod has")
    return Package(each.name, each.version, address)


def _address(url: str, vcs: object, subdirectory: object) -> str:
    """For pip, without the login and the query, which may be secrets."""
    if urlsplit(url).scheme not in ("https", "http", "ssh"):
        return ""
    asks_no_password = urlsplit(url).scheme == "ssh" and not urlsplit(url).password  # ssh://git@...
    plain = urlunsplit(urlsplit(url if asks_no_password else without_login(url))._replace(query="", fragment=""))
    below = f"#subdirectory={subdirectory}" if subdirectory else ""
    if isinstance(vcs, dict):
        return f"{vcs.get('vcs', 'git')}+{plain}@{vcs.get('commit_id', '')}{below}"
    return plain + below


def write_files(target: str, files: dict[str, str]) -> None:
    """Write the files into a folder; either all, or none.

    Raises:
        Refused: A file of the user's is in the way; nothing is changed.
        OSError: The disk refuses.
    """
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    if not os.path.lexists(target):
        _write_new(target, files, digests)
        return
    if not os.path.isdir(target):
        raise Refused(f"{target} is no folder; name another one: podkeeper export FOLDER")
    ours = {each for each in read_list(f"{target}/{_MARK}", "sha256") if isinstance(each, str)}
    others = [name for name in files if os.path.lexists(f"{target}/{name}") and _digest(f"{target}/{name}") not in ours]
    if others:
        reason = f"{', '.join(others)} in {target} is not as podkeeper wrote it"
        raise Refused(f"{reason}; move it away, or name another folder: podkeeper export FOLDER")
    write_json(f"{target}/{_MARK}", {"sha256": sorted(ours | set(digests.values()))}, durable=True)
    for name, text in files.items():
        write_atomically(f"{target}/{name}", text)
    write_json(f"{target}/{_MARK}", {"sha256": sorted(digests.values())})


def _write_new(target: str, files: dict[str, str], digests: dict[str, str]) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    for left in glob.glob(f"{glob.escape(target)}.podkeeper-{'[0-9a-f]' * 12}"):  # of an export that was killed
        shutil.rmtree(left, ignore_errors=True)
    part = f"{target}.podkeeper-{os.urandom(6).hex()}"
    try:
        os.mkdir(part)
        for name, text in files.items():
            write_atomically(f"{part}/{name}", text)
        write_json(f"{part}/{_MARK}", {"sha256": sorted(digests.values())})
        os.rename(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _digest(path: str) -> str:
    text = None if os.path.islink(path) else read_text(path)
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()
