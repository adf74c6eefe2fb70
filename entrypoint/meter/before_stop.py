"""A: what must be safe before the pod is stopped: one command each, which ends with 0 once that is so.

Another room joins by a line in WAITS: its command may begin the work (drain the queue, deliver outputs), may print
progress, and ends with 0 when nothing is left. Commands rather than functions: they run in processes of their own, so
that one that hangs or crashes costs its deadline at most, and the meter's room imports nothing above it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Wait(NamedTuple):
    """One thing to wait for.

    Attributes:
        name: Completes "waiting for ...".
        module: Run as `python -I -m MODULE ARGUMENTS`, as the services' user, with the pod's environment.
        arguments: Of the module.
        deadline: Seconds after which the stop goes on without it.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    deadline: float = 120.0


#: In order: each may count on those before it.
WAITS: tuple[Wait, ...] = (
    Wait("the packages of nodes to be kept", "entrypoint.packages.saved", deadline=120.0),
    Wait("the outputs to be delivered", "entrypoint.commands.outputs", ("--wait",), deadline=900.0),
)
#: Seconds between two questions whether the stop is still wanted.
_STEP_S = 0.5


def wait_for_all(
    say: Callable[[str], None], still_wanted: Callable[[], bool], waits: Sequence[Wait] = WAITS
) -> tuple[bool, list[str]]:
    """Run every command, in order.

    Returns:
        Whether the stop is still wanted, and the names of what is not done.
    """
    left: list[str] = []
    for wait in waits:
        say(f"waiting for {wait.name}")
        outcome = _run(wait, still_wanted)
        if outcome == "unwanted":
            return False, left
        if outcome:
            left.append(wait.name)
            say(f"going on without {wait.name}: {outcome}")
    return True, left


def _run(wait: Wait, still_wanted: Callable[[], bool]) -> str:
    """Run one command: "" where it ended with 0, else why not; "unwanted": the stop was called off."""
    command = [sys.executable, "-I", "-m", wait.module, *wait.arguments]
    deadline = time.monotonic() + wait.deadline
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        return str(error)
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(_STEP_S)
                return f"its command ended with code {code}" if code else ""
            if not still_wanted():
                return "unwanted"
        return f"not done in {wait.deadline:.0f} s"
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
