"""A: runs all checks at once, each in a process of its own with a deadline."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, cast

from entrypoint.doctor.check import Check
from entrypoint.doctor.finding import Finding, failed, skipped, without_duplicates
from entrypoint.system.attach import Pod
from entrypoint.system.bounded_process import HUNG, Plain, collect, launch
from entrypoint.system.privileges import become_service_user


def examine(pod: Pod, checks: Sequence[Check]) -> list[Finding]:
    """Return one finding or more for every check, in the table's order, which is the order of causes.

    Each collector is a process: one that hangs in a system call can only be abandoned as a process. This process
    becomes the services' user, too: a collector runs that user's configuration, and could return anything.
    """
    children = [launch(_isolated(check, pod)) for check in checks]
    become_service_user(pod.settings)
    findings: list[Finding] = []
    for check, child in zip(checks, children, strict=True):
        causes = [v.check for v in findings if v.state == "failed" and v.check in check.after]
        facts: dict[str, Any] = dict(collect(child, 0 if causes else check.deadline))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # the processes that an abandoned collector started
        if causes:
            findings.append(skipped(check.name, f"fix first: {causes[0]}"))
        else:
            findings += _evaluated(check, facts, pod)
    return without_duplicates(findings)


def _evaluated(check: Check, facts: dict[str, Any], pod: Pod) -> list[Finding]:
    problem = facts.get("error")
    if problem == HUNG:
        return [failed(check.name, f"no result within {check.deadline:g} s", check.remedy)]
    if problem:
        return [failed(check.name, f"the check itself failed: {problem}", check.remedy)]
    return check.evaluate(facts, pod)


def _isolated(check: Check, pod: Pod) -> Callable[[], Plain]:
    def work() -> Plain:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):  # a library or the user's configuration may print, and would spoil the report
            os.dup2(null, descriptor)
        os.setpgid(0, 0)
        if not check.as_root:
            become_service_user(pod.settings)
        try:
            return cast(Plain, check.collect(pod))
        except Exception as error:  # a collector that fails is a finding; the other checks go on
            return {"error": f"{type(error).__name__}: {error}"[:300]}

    return work
