"""A: runs the steps of a start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from entrypoint.boot.plan import Step
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.system.condition_store import raise_condition

Result = TypeVar("Result")


class Aborted(Exception):
    """What no pod can run without failed; the message is one line for the user."""


def require(name: str, run: Callable[[], Result]) -> Result:
    """Return the result of `run`; `name` completes "cannot ...".

    Raises:
        Aborted: It failed.
    """
    try:
        return run()
    except OSError as error:
        raise Aborted(f"cannot {name}: {_one_line(error)}") from error


def run_steps(steps: Iterable[Step], runtime: str) -> None:
    """Run the steps in order; the failure of one becomes a condition."""
    for step in steps:
        try:
            step.run()
        except (CannotDo, OSError) as error:
            _record(runtime, step, error)


def _record(runtime: str, step: Step, error: CannotDo | OSError) -> None:
    if isinstance(error, CannotDo):
        condition = error.condition
    else:
        remedy = "check the volume and its free space, then restart the pod"
        condition = Condition("StartStepFailed", f"cannot {step.name}: {_one_line(error)}", remedy)
    with contextlib.suppress(OSError):  # the line below is all that can be said then
        raise_condition(runtime, condition)
    print(f"podkeeper: {condition}", file=sys.stderr, flush=True)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())
