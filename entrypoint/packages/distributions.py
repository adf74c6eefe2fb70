"""A: reads an environment's site-packages: which distributions are in it, and which files each has."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

#: INSTALLER of a stand-in: a dist-info in the overlay for a package of the image (PEP 376 leaves the name free).
STAND_IN = "podkeeper-image"


@dataclass(frozen=True, slots=True)
class Distribution:
    """One `*.dist-info` folder. `info`: the folder's name."""

    name: str
    version: str
    info: str


def site_packages(environment: str) -> str:
    """The folder of packages of a virtual environment.

    Raises:
        OSError: The environment has none.
    """
    lib = f"{environment}/lib"
    for name in sorted(os.listdir(lib)):
        if re.fullmatch(r"python3\.\d+", name):
            return f"{lib}/{name}/site-packages"
    raise FileNotFoundError(2, "it is no virtual environment", environment)


def normalised(name: str) -> str:
    """The name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(folder: str) -> dict[str, Distribution]:
    """Normalised name -> distribution, by the names of the dist-info folders (PEP 376: NAME-VERSION.dist-info).

    A folder without METADATA is skipped: a package whose removal was interrupted.
    """
    found = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name, dash, version = entry.name.removesuffix(".dist-info").rpartition("-")
            if entry.name.endswith(".dist-info") and dash and os.path.isfile(f"{entry.path}/METADATA"):
                found[normalised(name)] = Distribution(normalised(name), version, entry.name)
    return found


def is_stand_in(folder: str, info: str) -> bool:
    """Whether the dist-info stands for a package of the image."""
    try:
        with open(f"{folder}/{info}/INSTALLER", encoding="utf-8", errors="replace") as file:
            return file.read(100).strip() == STAND_IN
    except OSError:
        return False


def added(folder: str) -> dict[str, Distribution]:
    """The distributions that were installed over the image's: no stand-ins."""
    return {name: each for name, each in distributions(folder).items() if not is_stand_in(folder, each.info)}


def recorded_files(folder: str, info: str) -> list[str] | None:
    """The files of a distribution, relative to `folder`; None: it is being installed, or was not by pip or uv.

    Both end with a RECORD that names INSTALLER; the wheel's own one, which is there before, does not.
    """
    try:
        with open(f"{folder}/{info}/RECORD", newline="", encoding="utf-8", errors="surrogateescape") as file:
            names = [row[0] for row in csv.reader(file) if row and row[0] and not row[0].startswith("/")]
    except (OSError, csv.Error):
        return None
    return names if f"{info}/INSTALLER" in names else None


def editable_files(folder: str, info: str, top: str) -> list[str]:
    """The files of a package that was installed as editable from a folder below `top`, relative to that.

    `pip install -e git+https://...` clones into `<environment>/src`, and RECORD has only the link to that.

    One that is elsewhere, as a node's own folder on the volume, stays where it is.
    """
    try:
        with open(f"{folder}/{info}/direct_url.json", encoding="utf-8") as file:
            content = json.load(file)
        url, editable = str(content["url"]), content["dir_info"]["editable"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return []
    source = unquote(url.removeprefix("file://"))
    if not editable or not source.startswith(f"{top}/"):
        return []
    found = []
    for path, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in (".git", "__pycache__")]
        found += [os.path.relpath(f"{path}/{name}", top) for name in names]
    return found


def key_of(environment: str) -> str:
    """What an overlay was made for: any change of the image's Python or packages is another key."""
    folder = site_packages(environment)
    lines = sorted(f"{each.name}=={each.version}" for each in distributions(folder).values())
    python = os.path.basename(os.path.dirname(folder))
    return f"{python}-{os.uname().machine}-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:12]}"
