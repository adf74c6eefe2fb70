"""Texts that make a regular expression slow, and whether its time is linear in their length."""

from __future__ import annotations

import importlib
import math
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

#: Characters that are tried beside a pattern's own.
COMMON = "a0A-_ \t\n\"'\x1b]=/.:@?%#!(,~;<"
#: Steps that a quadratic pattern takes in the first text; a linear one takes some thousand.
STEPS = 1_000_000
#: CPU seconds for the first text below which a pattern counts as linear: an eighth of a nanosecond for each of `STEPS`.
NEGLIGIBLE = 0.000125
#: How many times longer the longer of two texts is: a linear pattern takes 8 times the time, a quadratic one 64 times.
GROWTH = 8
#: Growth of the time that makes a text suspicious, and that proves it slow.
SUSPICIOUS, SLOW = 12, 24
#: CPU seconds after which a pattern is stopped: an exponential one would never end.
LIMIT = 0.2

_parser = importlib.import_module("re._parser")


class Shape(NamedTuple):
    """Texts of any length: `unit` repeated between `before` and `after`."""

    before: str
    unit: str
    after: str

    def text(self, scale: float = 1) -> str:
        """A text in which a pattern that goes on to the end from each unit takes `scale` * `scale` * STEPS steps."""
        return self.before + self.unit * int(scale * math.sqrt(2 * STEPS / len(self.unit))) + self.after


def slow_shape(work: Callable[[str], object], parts: Iterable[str]) -> str | None:
    """The start of a text made of one of `parts` for which `work` takes more than linear time; None: there is none."""
    for shape in dict.fromkeys(each for part in parts for each in shapes(part)):
        # Most are acquitted by one short text. Longer ones have the last word, twice: other processes may have had the
        # processor's caches.
        suspicious = seconds(work, shape.text()) > NEGLIGIBLE and grows(work, shape, 1 / GROWTH, SUSPICIOUS)
        if suspicious and all(grows(work, shape, 1, SLOW) for _ in range(2)):
            return f"{shape.text()[:60]!r}..."
    return None


def grows(work: Callable[[str], object], shape: Shape, scale: float, most: float) -> bool:
    """Whether a text GROWTH times as long takes more than `most` times the time."""
    before = seconds(work, shape.text(scale))
    return before == math.inf or seconds(work, shape.text(scale * GROWTH)) > most * before


def shapes(part: str) -> Iterator[Shape]:
    yield Shape("", part, "")
    yield Shape("", part, "!")
    yield Shape(part, part[-1], "\x00")
    yield Shape("a", part[-1], "\n")


class _StoppedError(Exception):
    """`work` has used up its CPU time."""


def seconds(work: Callable[[str], object], text: str) -> float:
    """CPU seconds that `work` takes; infinite where it takes more than LIMIT."""

    def stop(*_: object) -> None:
        raise _StoppedError

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
            began = time.thread_time()
            work(text)
            return time.thread_time() - began
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _StoppedError:
        return math.inf
    finally:
        signal.signal(signal.SIGVTALRM, before)


def hostile(pattern: re.Pattern[str]) -> list[str]:
    """Beginnings of endless input: each is repeated, and stands in front of repetitions."""
    anatomy = Anatomy(pattern)
    if not anatomy.endless:
        return []  # what has no `*` or `+` tries a fixed number of characters from each start
    runs, alphabet = anatomy.runs(), anatomy.alphabet()
    parts = [*alphabet, *runs]
    parts += (part for run in runs for each in alphabet for part in (each + run, run + each))
    for first in runs[:12]:
        for second in runs[:12]:
            parts += (f"{first}{'a' * 25}.{second}", f"{first} {second}", first + second)
    return list(dict.fromkeys(parts))


class Anatomy:
    """What a pattern is made of: its literal characters, its classes, and whether something repeats without end."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._flags = pattern.flags
        self._runs: list[str] = []
        self._literals: dict[str, None] = {}
        self._classes: dict[str, None] = {r"\w": None, r"\n": None}  # of \b, ^ and $
        self.endless = False
        self._walk(_parser.parse(pattern.pattern, pattern.flags))

    def runs(self) -> list[str]:
        """The runs of literal characters, with one character of each class."""
        return sorted({run for run in self._runs if run}, key=lambda run: (len(run), run))[:24]

    def alphabet(self) -> list[str]:
        """One each of the characters that the pattern treats alike; a letter of a word is treated as others are."""
        tests = [re.compile(each, self._flags) for each in self._classes]
        tests += [re.compile(re.escape(each), self._flags) for each in self._literals if not each.isalnum()]
        found: dict[tuple[bool, ...], str] = {}
        for character in (*COMMON, *self._literals):
            found.setdefault(tuple(bool(test.fullmatch(character)) for test in tests), character)
        return list(found.values())

    def _walk(self, tree: Any) -> str:
        """Note the parts of a parsed pattern; returns a text that it matches."""
        run = ""
        for operation, value in tree:
            name = str(operation)
            if name == "LITERAL":
                self._literals[chr(value)] = None
                run += chr(value)
            elif name in ("IN", "ANY", "NOT_LITERAL"):
                run += self._member({"IN": _class, "ANY": lambda _: ".", "NOT_LITERAL": _other}[name](value))
            elif name == "BRANCH":
                self._runs.extend(self._walk(each) for each in value[1])
            elif name in ("SUBPATTERN", "ATOMIC_GROUP"):
                run += self._walk(value[3] if name == "SUBPATTERN" else value)
            elif name.endswith("_REPEAT"):
                self.endless |= value[1] > 100
                self._runs.append(run)
                run += self._walk(value[2]) * max(1, min(value[0], 30))
            elif name in ("ASSERT", "ASSERT_NOT"):
                self._runs.append(self._walk(value[1]))
        self._runs.append(run)
        return run

    def _member(self, members: str) -> str:
        self._classes[members] = None
        return next((each for each in COMMON if re.fullmatch(members, each)), "")


def _other(character: int) -> str:
    return f"[^{re.escape(chr(character))}]"


def _class(members: list[tuple[object, Any]]) -> str:
    """A character class of the parser's, as text again."""
    names = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}
    names |= {name.replace("_", "_NOT_"): text.upper() for name, text in names.items()}
    text = ""
    for operation, value in members:
        if str(operation) == "NEGATE":
            text += "^"
        elif str(operation) == "LITERAL":
            text += re.escape(chr(value))
        elif str(operation) == "RANGE":
            text += "-".join(re.escape(chr(each)) for each in value)
        else:
            text += names[str(value)]
    return f"[{text}]"
