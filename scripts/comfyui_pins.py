"""ComfyUI's pins: image/comfyui.in from ComfyUI's own requirements, its tag and its commit.

usage: comfyui_pins.py TAG                    that tag of COMFYUI_REPO; `latest` is the newest release
       comfyui_pins.py FOLDER TAG COMMIT      the files of a tree on this machine

Writes image/comfyui.in, a copy of ComfyUI's two files in image/comfyui/, and the tag and commit in Dockerfile and
entrypoint/settings/settings.py. Prints the tag. The locks follow: `scripts/lock`, then `scripts/node_packs.py lock`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from entrypoint.comfyui.versions.resolve import resolve
from entrypoint.nodes.outcome import Refused
from entrypoint.settings.settings import Settings

ROOT = Path(__file__).parent.parent
#: ComfyUI's own files, and where the repository keeps a copy: a hand-made change of comfyui.in differs from them.
FILES = ("requirements.txt", "manager_requirements.txt")
COPIES = Path("image/comfyui")
TARGET = Path("image/comfyui.in")
#: Package -> bound. torchaudio also where ComfyUI does not ask for it: nodes do, and pip has one torch for each of it.
HELD = {"torch": ">=2.8,<2.11", "torchaudio": "<2.11"}
HEAD = """\
# What ComfyUI {ref} asks for in its requirements.txt, with torch held to the versions whose wheels on the package
# index are built for CUDA 12.8 (2.8 to 2.10; newer ones want CUDA 13 and a driver that many hosts lack).
# scripts/comfyui_pins.py writes this file; `scripts/lock` makes comfyui.lock of it.
"""
MANAGER = "# ComfyUI-Manager, in the version that ComfyUI {ref} names in its manager_requirements.txt.\n"
TAIL = """\
# JupyterLab's notebooks run in this environment through it.
ipykernel
# With it pip makes a wheel of a source distribution, which has the record by which packages are kept; without it
# Debian's pip 23.0 installs by setup.py, which writes none. From 0.46 on it needs a newer setuptools than Debian's 66.
wheel<0.46
"""
#: Path -> the lines with the tag and the commit: what stands before, and after.
PINS = {
    "Dockerfile": (("ref", r"(?m)^(ARG COMFYUI_REF=)\S+()$"), ("commit", r"(?m)^(ARG COMFYUI_COMMIT=)\S+()$")),
    "entrypoint/settings/settings.py": (("ref", r'("COMFYUI_REF", parsing\.git_ref, ")[^"]+(")'),),
}


class CannotPin(Exception):
    """A file is not as this script knows it; the text says which and what to do."""


def requirements(text: str, file: str) -> list[str]:
    """The requirements of a requirements.txt, with names as the package index spells them.

    Raises:
        CannotPin: A line is an option or an address, which image/comfyui.in would not pin.
    """
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*(\[[\w, -]+\])? *([<>=!~][^@]*)?(;.*)?", line):
            raise CannotPin(f"ComfyUI's {file} has the line {line!r}, which is no name and version: pin it by hand")
    return [re.sub(r"^[\w.-]+", lambda name: name[0].replace("_", "-"), line) for line in found]


def text_of(ref: str, comfyui: str, manager: str) -> str:
    """image/comfyui.in for a tag of ComfyUI with these two files."""
    held = [name + bound for name, bound in HELD.items()]
    asked = [line for line in requirements(comfyui, FILES[0]) if line not in HELD]
    managers = requirements(manager, FILES[1])
    if not any(line.startswith("comfyui-manager==") for line in managers):
        raise CannotPin(f"ComfyUI's {FILES[1]} does not pin comfyui-manager: {manager!r}")
    lines = "".join(f"{line}\n" for line in held + asked)
    return HEAD.format(ref=ref) + lines + MANAGER.format(ref=ref) + "".join(f"{line}\n" for line in managers) + TAIL


def pinned(path: str, text: str, values: dict[str, str]) -> str:
    """The file with the tag and the commit."""
    for name, pattern in PINS[path]:
        text, count = re.subn(pattern, rf"\g<1>{values[name]}\g<2>", text)
        if count != 1:
            raise CannotPin(f"{path} has {count} lines for ComfyUI's {name}, not one: change PINS in {__file__}")
    return text


def write(root: Path, tree: Path, ref: str, commit: str) -> None:
    """Write every file, or none."""
    if not re.fullmatch(r"v\d+\.\d+\.\d+", ref) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise CannotPin(f"cannot use tag {ref!r} with commit {commit!r}: must be vX.Y.Z and 40 hexadecimal digits")
    copies = {COPIES / name: (tree / name).read_text(encoding="utf-8") for name in FILES}
    new = {TARGET: text_of(ref, *copies.values()), **copies}
    for path in PINS:
        new[Path(path)] = pinned(path, (root / path).read_text(encoding="utf-8"), {"ref": ref, "commit": commit})
    for target, text in new.items():
        (root / target).parent.mkdir(exist_ok=True)
        (root / target).write_text(text, encoding="utf-8")


def fetched(name: str, folder: Path) -> tuple[str, str]:
    """The tag called `name` and its commit, with ComfyUI's two files in `folder`."""
    repository = os.environ.get("COMFYUI_REPO") or Settings().comfyui_repo
    version = resolve(repository, name)
    if not version:
        raise CannotPin(f"cannot use {name!r}: must be a tag of {repository}, or latest")
    git = ["git", "-C", str(folder)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "fetch", "--quiet", "--depth=1", "--", repository, f"refs/tags/{version.name}"], check=True)
    for file in FILES:
        shown = subprocess.run([*git, "show", f"{version.commit}:{file}"], check=True, capture_output=True, text=True)
        (folder / file).write_text(shown.stdout, encoding="utf-8")
    return version.name, version.commit


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 3) or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with tempfile.TemporaryDirectory() as temporary:
            if len(arguments) == 3:
                folder, ref, commit = arguments
            else:
                folder, (ref, commit) = temporary, fetched(arguments[0], Path(temporary))
            write(ROOT, Path(folder), ref, commit)
    except (CannotPin, Refused, OSError, subprocess.CalledProcessError) as error:
        print(f"comfyui_pins: {error}", file=sys.stderr)
        return 1
    print(ref)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
