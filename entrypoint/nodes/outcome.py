"""A: how a command of `podkeeper nodes` ends: with what it says, or in one line why it was refused."""

from __future__ import annotations

import sys
from collections.abc import Callable

DONE, FAILED = 0, 1


class Refused(Exception):
    """A command cannot be done; the message says why, in one line."""


def report(work: Callable[..., str], *arguments: object, doing: str) -> int:
    """Do the work and print what it returns, or in one line why it failed; returns the exit code."""
    try:
        print(work(*arguments), flush=True)
    except Refused as refused:
        print(f"podkeeper: {refused}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"podkeeper: cannot {doing}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return DONE
