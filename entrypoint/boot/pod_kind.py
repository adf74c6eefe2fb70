"""P: what kind of pod this is: a whole one, one for a single job, or a worker of RunPod Serverless."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entrypoint.jobs import one_job
from entrypoint.serverless import mode
from entrypoint.settings.paths import ENDS_WITH
from entrypoint.settings.settings import Settings

#: Variable with the programs that start with the pod; empty: as supervisord.conf says.
ONLY = "PODKEEPER_ONLY"
#: Variable that says whether the worker runs.
WORKER = "PODKEEPER_WORKER"


def settings_of(settings: Settings, command: Sequence[str]) -> Settings:
    """The settings of the pod that this is, from those that were given. `command`: the start command."""
    if one_job.is_one_job(command):
        return one_job.settings_for_one_job(settings)
    return (
        mode.settings_for_worker(settings) if mode.is_worker(settings) else replace(settings, worker="", runpod_jobs="")
    )


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Secrets that a program of this kind of pod gets, by name."""
    return mode.SECRETS if mode.is_worker(settings) else ()


def environ_of(settings: Settings, command: Sequence[str]) -> dict[str, str]:
    """The variables for `[rpcinterface:podkeeper]`."""
    if one_job.is_one_job(command):
        return {ONLY: one_job.PROGRAMS, ENDS_WITH: one_job.LAST, WORKER: "false"}
    worker = mode.is_worker(settings)
    return {ONLY: mode.PROGRAMS if worker else "", ENDS_WITH: "", WORKER: "true" if worker else "false"}
