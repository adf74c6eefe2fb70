"""A: fetches the nodes of every pack into a folder, for the image's variant `full`: `-m entrypoint.nodes.bake DIR`.

Without the repositories' example pictures and videos: LanPaint has 147 MB of them.
"""

from __future__ import annotations

import os
import shutil
import sys

from entrypoint.nodes.lock import read_lock
from entrypoint.nodes.origin import Origin
from entrypoint.nodes.outcome import Refused
from entrypoint.nodes.pack_files import pack_file
from entrypoint.nodes.pack_names import PACKS
from entrypoint.nodes.source import bring

_EXAMPLES = ("example", "sample", "demo", "workflow", "screenshot", "doc")
_MEDIA = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".webm", ".mov", ".avi", ".wav", ".mp3")
#: Bytes from which a picture is left out: icons and thumbnails stay.
_LARGE = 100_000


def main(target: str) -> int:
    """Fetch the nodes; returns the exit code."""
    for pack in PACKS["all"]:
        with open(pack_file(pack, "lock"), encoding="utf-8") as file:
            nodes = read_lock(file.read()).nodes
        for node in nodes:
            print(f"{node.name}: {node.repository} {node.commit}", flush=True)
            folder = f"{target}/{node.name}"
            try:
                bring(Origin(node.repository, node.commit), folder)
            except Refused as refused:
                print(f"bake: {refused}", file=sys.stderr)
                return 1
            print(f"{node.name}: {remove_examples(folder) / 1e6:.1f} MB of examples left out", flush=True)
            remove_history(folder)
    return 0


def remove_examples(folder: str) -> int:
    """Remove large pictures, videos and sounds of a repository's examples; returns their bytes."""
    removed = 0
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        below = os.path.relpath(above, folder).lower()
        for name in names:
            path = f"{above}/{name}"
            of_examples = below.startswith(_EXAMPLES) or any(f"/{each}" in below for each in _EXAMPLES)
            if of_examples and name.lower().endswith(_MEDIA) and os.path.getsize(path) >= _LARGE:
                removed += os.path.getsize(path)
                os.unlink(path)
    return removed


def remove_history(folder: str) -> None:
    """Leave of a clone's `.git` what says where it came from (`origin.origin_of`); commits are as large as files.

    It stays a repository to git; a newer version is another clone, on the volume.
    """
    for above, folders, names in os.walk(folder):
        if above != folder and ".git" in names:  # a submodule's, which names a folder of the clone's
            os.unlink(f"{above}/.git")
        folders[:] = [name for name in folders if name != ".git"]
    for name in os.listdir(f"{folder}/.git"):
        path = f"{folder}/.git/{name}"
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif name not in ("HEAD", "config"):
            os.unlink(path)
    for name in ("objects", "refs"):
        os.mkdir(f"{folder}/.git/{name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
