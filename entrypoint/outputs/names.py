"""P: which files of the output folder are outputs, and the names that they get at the destination."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

#: Endings of files that another program is still writing.
_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".aria2", ".swp", "~")
#: Bytes of a name: S3's limit of a key is 1024.
_LONGEST = 900
_DIRECTORY = "--output-directory"


class Found(NamedTuple):
    """A file of the output folder, as stat(2) has it."""

    size: int
    mtime_ns: int


def is_output(name: str) -> bool:
    """Whether a file or folder of this name (its last part) counts: hidden and temporary ones do not."""
    return not name.startswith(".") and name != "lost+found" and not name.lower().endswith(_TEMPORARY)


def why_not_sendable(name: str) -> str:
    """Why a name cannot be given to rclone, one name a line; "": it can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(character in name for character in "\n\r\0"):
        return "its name has a line break"
    return "its name is too long" if len(name.encode()) > _LONGEST else ""


def suffixed(name: str, sha256: str) -> str:
    """The name for a file whose own name is taken: `video/a_00001_.mp4` -> `video/a_00001_-1f3870be.mp4`."""
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}-{sha256[:8]}{path.suffix}"))


def output_folder(data: str, arguments: Sequence[str]) -> str:
    """ComfyUI's output folder: `output` in the data folder, unless COMFYUI_ARGS names another one."""
    folder = f"{data}/output"
    for number, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if name == _DIRECTORY:
            folder = value if equals else "".join(arguments[number + 1 : number + 2]) or folder
    return folder if folder.startswith("/") else f"{data}/{folder}"
