"""A: looks through the output folder, and for programs that still write to a file in it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator

from entrypoint.outputs.names import Found, is_output

#: Folders below each other.
_DEEPEST = 40


def scan(folder: str) -> dict[str, Found]:
    """Name below `folder` -> file, for each output. `folder` itself may be a link; links in it are not followed.

    A folder below it that cannot be read counts as a file of its name and a slash, which cannot be delivered.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder):  # it must be there: a volume that is gone has not lost its outputs
        pass
    return dict(_files(folder, "", 0))


def _files(folder: str, below: str, depth: int) -> Iterator[tuple[str, Found]]:
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except FileNotFoundError:
        return
    except OSError:
        yield below, Found(0, 0)
        return
    for entry in listed:
        if not is_output(entry.name):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth < _DEEPEST:
                    yield from _files(entry.path, f"{below}{entry.name}/", depth + 1)
            elif entry.is_file(follow_symlinks=False):
                found = entry.stat(follow_symlinks=False)
                yield below + entry.name, Found(found.st_size, found.st_mtime_ns)
        except OSError:  # it is gone
            continue


def being_written(paths: Container[str]) -> set[str]:
    """Those of the real paths that a process which this user may look at has open for writing (proc(5), fdinfo).

    A program that runs elsewhere, on the same network volume, is not seen.
    """
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                path = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if path in paths and _writes(f"/proc/{pid}/fdinfo/{descriptor}"):
                    found.add(path)
            except OSError:  # it has ended
                continue
    return found


def _writes(fdinfo: str) -> bool:
    with open(fdinfo, encoding="ascii") as lines:
        flags = next((line.split()[1] for line in lines if line.startswith("flags:")), "0")
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY
