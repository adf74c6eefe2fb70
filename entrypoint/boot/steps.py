"""A: runs the steps of a start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable

from entrypoint.boot.plan import Step
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.system.condition_store import raise_condition


class Aborted(Exception):
    """A required step failed; the message is one line for the user."""


def run_steps(steps: Iterable[Step], runtime: str) -> None:
    """Run the steps in order; the failure of an optional step becomes a condition.

    Raises:
        Aborted: A required step failed.
    """
    for step in steps:
        try:
            step.run()
        except (CannotDo, OSError) as error:
            if step.on_failure == "abort":
                raise Aborted(f"cannot {step.name}: {_one_line(error)}") from error
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
