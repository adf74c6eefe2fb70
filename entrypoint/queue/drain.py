"""A: drains the pod: no new workflow is accepted, the one that runs may finish, the others stay in the journal.

The program `drain` does so before a shutdown (commands/before_stop.py, STOP_GRACE); `podkeeper drain` at any time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from entrypoint.conditions.condition import Condition
from entrypoint.queue.work import work_of
from entrypoint.settings.paths import DRAIN_REQUEST, Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition

#: What else has to be done before a stop, with the settings, the paths and the seconds that are left. It prints what it
#: does, returns whether all is done, and does not raise.
BeforeStop = Callable[[Settings, Paths, float], bool]
_EVERY_S, _SAY_S = 0.3, 30.0


def begin(paths: Paths) -> None:
    """Accept and begin no workflow from now on. Raises OSError: the runtime folder refuses."""
    with open(f"{paths.requests}/{DRAIN_REQUEST}", "a", encoding="utf-8"):
        pass
    reason = "the pod is being drained: ComfyUI accepts and begins no workflow, and keeps those that wait"
    raise_condition(paths.runtime, Condition("Draining", reason, "stop the pod now, or: podkeeper drain --undo"))


def undo(paths: Paths) -> bool:
    """Accept workflows again, and begin those that wait; returns whether the pod was drained. Raises OSError."""
    clear_condition(paths.runtime, "Draining")
    try:
        os.unlink(f"{paths.requests}/{DRAIN_REQUEST}")
    except FileNotFoundError:
        return False
    return True


def is_drained(paths: Paths) -> bool:
    """Whether the pod is drained, or is being drained."""
    return os.path.lexists(f"{paths.requests}/{DRAIN_REQUEST}")


def drain(
    settings: Settings, paths: Paths, grace_s: float, say: Callable[[str], None], before_stop: Sequence[BeforeStop] = ()
) -> bool:
    """Drain the pod, and wait for the workflow that runs.

    Args:
        settings: The pod's settings.
        paths: The pod's paths.
        grace_s: Seconds that it may take.
        say: Called with progress.
        before_stop: What else has to be done, once nothing runs.

    Returns:
        Whether nothing runs any more and all is done. The pod stays drained in any case.

    Raises:
        OSError: The runtime folder refuses.
    """
    deadline, said = time.monotonic() + grace_s, float("-inf")
    begin(paths)
    while (work := work_of(settings)).running or work.silent:
        left = deadline - time.monotonic()
        if left <= 0:
            say(f"the workflow that runs has not finished within {grace_s:.0f} s; it runs again at the next start")
            return False
        if time.monotonic() - said > _SAY_S:
            said = time.monotonic()
            say(f"waiting up to {left:.0f} s for the workflow that runs; {work.waiting} more are kept")
        time.sleep(min(_EVERY_S, left))
    done = [each(settings, paths, deadline - time.monotonic()) for each in before_stop]
    say(f"nothing runs; {work.waiting} workflow(s) are kept" if work.waiting else "nothing runs or waits")
    return all(done)
