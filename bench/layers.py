"""Whether two builds without a cache make the same layers, and which files differ where they do not.

usage: scripts/bench layers [docker build OPTIONS]

Builds the image twice in this engine, and prints a line for each layer. Exit code 1: a layer differs that is neither
the clone of ComfyUI or of nodes nor what is compiled of it (git's index has the time and inode of every file).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.support.checkout import ROOT

TAG = "podkeeper-layers"
#: In the command of a layer that may differ.
MAY_DIFFER = ("/opt/comfyui # ", "/opt/comfyui-nodes # ", "compileall -q /opt/comfyui ")
_SHOWN = 10


class Layer(NamedTuple):
    """A layer: the digest of its content, its command in the image's history, and its archive."""

    digest: str
    command: str
    archive: Path


def build(number: int, options: list[str]) -> str:
    """Build the image without a cache; returns its name."""
    name = f"{TAG}:{number}"
    base = os.environ.get("BASE_IMAGE", "localhost/base:bookworm")
    command = ["docker", "build", "--quiet", "--no-cache", "--tag", name, "--build-arg", f"BASE_IMAGE={base}", *options]
    subprocess.run([*command, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    return name


def layers(image: str, folder: Path) -> list[Layer]:
    """The layers of an image, unpacked into the folder."""
    folder.mkdir()
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
        subprocess.run(["tar", "-x", "-C", folder], stdin=saved.stdout, check=True)
    manifest = json.loads((folder / "manifest.json").read_text())[0]
    config = json.loads((folder / manifest["Config"]).read_text())
    commands = [each.get("created_by", "") for each in config["history"] if not each.get("empty_layer")]
    archives = [folder / name for name in manifest["Layers"]]
    return [Layer(*each) for each in zip(config["rootfs"]["diff_ids"], commands, archives, strict=True)]


def entries(archive: Path) -> dict[str, tuple[object, ...]]:
    """Name -> everything that a layer's archive says of it."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(archive) as tar:
        for each in tar:
            content = tar.extractfile(each) if each.isreg() else None
            digest = hashlib.sha256(content.read()).hexdigest()[:12] if content else ""
            found[each.name] = (each.type, each.mode, each.uid, each.gid, each.mtime, each.linkname, digest)
    return found


def main(options: list[str]) -> int:
    """Build, compare and print; returns the exit code."""
    code = 0
    names = [build(number, options) for number in (1, 2)]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        one, two = (layers(name, Path(folder, str(number))) for number, name in enumerate(names))
        for first, second in zip(one, two, strict=True):
            same = first.digest == second.digest
            allowed = any(words in first.command for words in MAY_DIFFER)
            print(
                "same     " if same else "may differ" if allowed else "DIFFERENT", " ".join(first.command.split())[:100]
            )
            if not same and not allowed:
                code = 1
                was, became = entries(first.archive), entries(second.archive)
                differ = [name for name in sorted(was.keys() | became.keys()) if was.get(name) != became.get(name)]
                print(f"  {len(differ)} of {len(was)} files, or only their order:")
                print(*(f"  {name} {was.get(name)} {became.get(name)}" for name in differ[:_SHOWN]), sep="\n")
    subprocess.run(["docker", "rmi", "--force", *names], check=True, stdout=subprocess.DEVNULL)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
