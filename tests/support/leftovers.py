"""What may be found in the place of a file that the pod keeps."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

from entrypoint.system.files import LARGEST


def folder(path: Path) -> None:
    path.mkdir()


def full_folder(path: Path) -> None:
    (path / "sub/sub").mkdir(parents=True)
    (path / "sub/file").write_text("{}")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(path.parent, os.O_PATH)  # an address has 107 characters at most
        made.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


def content(text: str | bytes) -> Callable[[Path], object]:
    return lambda path: Path.write_bytes(path, text if isinstance(text, bytes) else text.encode())


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 4 * LARGEST)


def shapes(value: object) -> str:
    """`value` wherever a record of the pod may have a field."""
    fields = ("programs", "restarts", "supervisord", "state", "pid", "name", "reason", "remedy", "since", "files", "at")
    inner = dict.fromkeys((*fields, "jupyter", "started", "time", "size", "sha256", "/x"), value)
    return json.dumps(inner | {"supervisord": os.getpid(), "/": inner})


LEFTOVERS: dict[str, Callable[[Path], object]] = {
    "a folder": folder, "a folder with files": full_folder, "a FIFO": os.mkfifo, "a socket": unix_socket,
    "a dangling link": lambda path: path.symlink_to("/nonexistent"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"), "an empty file": content(""),
    "a link to a file": lambda path: path.symlink_to(__file__),
    "a torn file": content('{"programs": {"jupy'), "a huge file": huge, "not UTF-8": content(b"\xff\xfe{}"),
    "a list": content("[[], 1, null]"), "null": content("null"), "deep nesting": content("[" * 100_000),
    "an endless number": content("1" * 10_000), "texts": content(shapes("x")), "lists": content(shapes([[1], None])),
    "objects": content(shapes({"jupyter": {"pid": "x", "state": "RUNNING"}, "x": 1})), "nulls": content(shapes(None)),
    "numbers": content(shapes(10**400)), "no numbers": content(shapes(float("nan"))), "true": content(shapes(True)),
    "half a character": content(shapes("\ud800\x1b[2J\n")),
}  # fmt: skip
