"""A whole pod, one for a single job, or a worker of RunPod Serverless."""

from __future__ import annotations

import pytest

from entrypoint.boot.pod_kind import ONLY, WORKER, environ_of, secrets_of, settings_of
from entrypoint.settings.paths import ENDS_WITH
from entrypoint.settings.settings import Settings

QUEUE = "https://api.runpod.ai/v2/e/job-take/$ID?gpu=x"
WORKERS = "comfyui,jobs,logs,models,nodes,outputs,prober,sshd,webhooks,worker"
RUN = ["podkeeper", "run", "w.json"]


@pytest.mark.parametrize(
    ("settings", "command", "only", "ends", "worker"),
    [
        (Settings(), [], "", "", "false"),
        (Settings(), ["bash"], "", "", "false"),
        (Settings(), RUN, "comfyui,command,logs,outputs,prober,webhooks", "command", "false"),
        (Settings(worker="runpod"), RUN, "comfyui,command,logs,outputs,prober,webhooks", "command", "false"),
        (Settings(worker="runpod"), [], WORKERS, "", "true"),
        (Settings(runpod_jobs=QUEUE), [], WORKERS, "", "true"),
        (Settings(worker="off", runpod_jobs=QUEUE), [], "", "", "false"),
    ],
)
def test_what_runs(settings: Settings, command: list[str], only: str, ends: str, worker: str) -> None:
    made = settings_of(settings, command)
    assert environ_of(made, command) == {ONLY: only, ENDS_WITH: ends, WORKER: worker}
    whole = not only
    assert (made.jupyter_enabled, made.status_enabled, bool(made.door_port)) == (whole, whole, whole)


def test_a_workers_secrets_are_no_other_pods() -> None:
    assert secrets_of(Settings()) == ()
    assert "RUNPOD_AI_API_KEY" in secrets_of(Settings(runpod_jobs=QUEUE))
    assert "RUNPOD_API_KEY" not in secrets_of(Settings(runpod_jobs=QUEUE))


def test_the_programs_row_says_whether_it_runs() -> None:
    assert settings_of(Settings(worker="off"), []).worker == ""
    assert settings_of(Settings(runpod_jobs=QUEUE), []).worker == "runpod"
