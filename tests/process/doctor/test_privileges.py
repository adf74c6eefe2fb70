"""The doctor drops root's privileges before it runs or reads what a service can write (S3 of the audit)."""

from __future__ import annotations

import os
import sys

import pytest

from entrypoint.doctor.check import Check
from entrypoint.doctor.checks import CHECKS
from entrypoint.doctor.examine import examine
from entrypoint.doctor.finding import failed
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod
from entrypoint.system.bounded_process import Plain, collect, launch

UID = 12345


def check(name: str, *, as_root: bool) -> Check:
    """A check that reports who collects."""
    return Check(
        name, lambda pod: {"uids": str(os.getresuid())}, lambda facts, pod: [failed(name, facts["uids"], "")], 5, "",
        as_root=as_root,
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_collectors_and_the_report_are_the_services_users() -> None:
    """In a child process: the one that examines drops as well, because a collector could return anything to it."""
    settings = Settings(puid=str(UID))
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=sys.executable)
    pod = Pod(settings=settings, paths=locate(settings, facts), environ={}, supervisord=0)

    checks = (check("theirs", as_root=False), check("roots", as_root=True))

    def work() -> Plain:
        report: Plain = {each.check: each.text for each in examine(pod, checks)}
        return {**report, "report": str(os.getresuid())}

    theirs = str((UID, UID, UID))
    assert collect(launch(work), 20) == {"theirs": theirs, "roots": "(0, 0, 0)", "report": theirs}


def test_only_two_checks_stay_roots() -> None:
    """Neither executes anything; what else needs root has to be looked at by a person."""
    assert {each.name for each in CHECKS if each.as_root} == {"volume", "ports"}
