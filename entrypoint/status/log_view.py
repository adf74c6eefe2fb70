"""A: the ends of the log files, with a search, for the page."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from entrypoint.settings.services import POD_LOG, PROGRAMS
from entrypoint.system.files import open_regular
from entrypoint.system.redaction import Redactor

#: Bytes read from the end of a file: without, and with a search.
_TAIL, _SEARCHED = 256 << 10, 16 << 20
MAX_LINES = 1000
#: Characters of a line that are shown. Longer lines are cut before they are redacted: a pattern holds the interpreter.
LONGEST_LINE = 4096
#: Characters that are redacted with a cut line and dropped: what is left of a secret at the cut (known_secrets).
_MARGIN = 4096
#: Linear in the line, whatever a stranger wrote: a title (`ESC ]`) ends at the next ESC.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class View(NamedTuple):
    """Lines of one log. `mark`: differs once the file has changed; `left_out`: number of earlier matches not shown."""

    lines: list[str]
    mark: str
    left_out: int


def existing_logs(folder: str) -> dict[str, tuple[str, str]]:
    """The logs that exist: log name -> (title, file name); the services' first, as the page offers them."""
    return {
        program.name: (program.title, program.log_file)
        for program in (*PROGRAMS, POD_LOG)
        if os.path.exists(os.path.join(folder, program.log_file))
    }


def view(path: str, search: str, lines: int, redactor: Redactor) -> View:
    """The last `lines` lines of the file that contain `search`, upper or lower case.

    Raises:
        OSError: The file can't be read, or is a link or no regular file.
    """
    with open_regular(path) as file:
        state = os.fstat(file.fileno())
        file.seek(max(0, state.st_size - (_SEARCHED if search else _TAIL)))
        data = file.read(_SEARCHED)
    whole = data.decode(errors="replace").split("\n")
    if state.st_size > len(data):
        del whole[0]  # part of a line
    if whole and not whole[-1]:
        del whole[-1]
    found = [line for line in whole if search.casefold() in line.casefold()]
    wanted = max(1, min(lines, MAX_LINES))
    shown = [readable(_redacted(line, redactor)) for line in found[-wanted:]]
    return View(shown, f"{state.st_ino}-{state.st_size}", len(found) - len(shown))


def _redacted(line: str, redactor: Redactor) -> str:
    shown = redactor.text(line[: LONGEST_LINE + _MARGIN])
    return shown if len(line) <= LONGEST_LINE + _MARGIN else shown[:-_MARGIN] + "..."


def readable(line: str) -> str:
    """The line as a terminal shows it in the end: without colours, with the last state of a progress bar."""
    shown = _ESCAPES.sub("", line).rstrip("\r").rpartition("\r")[2]
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", shown)
