"""P: the line of ComfyUI's log that says why it ended: argparse's error, the exception, the signal."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What the launcher prints before it becomes ComfyUI; a start's lines come after the last one.
STARTED = "comfyui: "
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ARGPARSE = re.compile(r"^main\.py: error: (.+)")
_FATAL = re.compile(r"^Fatal Python error: (.+)")
_WHERE = re.compile(r'^  File "([^"]{1,300})", line (\d{1,9})')
_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure)\b(?:: .*)?$")
_LONGEST = 300


def last_words(lines: Sequence[str]) -> str:
    """Why the last start in the log ended, in one line; "" where the log does not say.

    Raises nothing: a log may hold anything.
    """
    texts = [_COLOURS.sub("", line[: 4 * _LONGEST]).rstrip() for line in lines]
    for number in range(len(texts) - 1, -1, -1):
        if texts[number].startswith(STARTED) and "main.py" in texts[number]:
            texts = texts[number + 1 :]
            break
    return _short(_argparse(texts) or _fatal(texts) or _exception(texts) or _cuda(texts) or _last(texts))


def is_wrong_argument(words: str) -> bool:
    """Whether argparse refused the command line: another start cannot succeed."""
    return words.startswith(("unrecognized arguments", "argument -", "ambiguous option"))


def _argparse(texts: Sequence[str]) -> str:
    return next((found[1] for text in reversed(texts) if (found := _ARGPARSE.match(text))), "")


def _fatal(texts: Sequence[str]) -> str:
    """faulthandler's report: the signal, and the innermost Python line that follows."""
    for number, text in enumerate(texts):
        if found := _FATAL.match(text):
            places = (place for line in texts[number:] if (place := _WHERE.match(line)))
            place = next(places, None)
            return f"{found[1]} in {place[1]}, line {place[2]}" if place else found[1]
    return ""


def _exception(texts: Sequence[str]) -> str:
    """The last line of the last traceback; what Python prints of an exception begins with its class."""
    return next((text for text in reversed(texts) if _EXCEPTION.match(text)), "")


def _cuda(texts: Sequence[str]) -> str:
    return next((text for text in reversed(texts) if "CUDA error" in text or "CUDA out of memory" in text), "")


def _last(texts: Sequence[str]) -> str:
    """`sys.exit("words")` prints its words and no class."""
    return next((text for text in reversed(texts) if text.strip()), "")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
