"""A: run the checks, all at once, each in a process of its own with a deadline."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, cast

from entrypoint.doctor.check import Check
from entrypoint.doctor.finding import Verdict, failed, once, skipped
from entrypoint.system.attach import Pod
from entrypoint.system.bounded_process import HUNG, Plain, collect, launch


def examine(pod: Pod, checks: Sequence[Check]) -> list[Verdict]:
    """A verdict or more for every check, in the table's order, which is the order of causes.

    A look that hangs in the kernel can be given up only where it is a process: so each is one.
    """
    looks = [launch(_bounded_look(check.look, pod)) for check in checks]
    verdicts: list[Verdict] = []
    for check, child in zip(checks, looks, strict=True):
        causes = [v.check for v in verdicts if v.state == "failed" and v.check in check.after]
        seen: dict[str, Any] = dict(collect(child, 0 if causes else check.deadline))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # what a look that was given up had started
        if causes:
            verdicts.append(skipped(check.name, f"mend first: {causes[0]}"))
        else:
            verdicts += _judged(check, seen, pod)
    return once(verdicts)


def _judged(check: Check, seen: dict[str, Any], pod: Pod) -> list[Verdict]:
    problem = seen.get("error")
    if problem == HUNG:
        return [failed(check.name, f"no result within {check.deadline:g} s", check.remedy)]
    if problem:
        return [failed(check.name, f"it can't be looked at: {problem}", check.remedy)]
    return check.judge(seen, pod)


def _bounded_look(look: Callable[[Pod], dict[str, Any]], pod: Pod) -> Callable[[], Plain]:
    def work() -> Plain:
        quiet = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # what a library or the user's configuration prints is not our report
            os.dup2(quiet, descriptor)
        os.setpgid(0, 0)
        try:
            return cast(Plain, look(pod))
        except Exception as error:  # a look that fails is a finding, not the end of the doctor
            return {"error": f"{type(error).__name__}: {error}"[:300]}

    return work
