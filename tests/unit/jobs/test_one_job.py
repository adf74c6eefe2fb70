"""`docker run IMAGE podkeeper run ...` is a pod for one job."""

import pytest

from entrypoint.jobs.one_job import is_one_job, settings_for_one_job
from entrypoint.settings.settings import Settings


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (["podkeeper", "run", "w.json"], True),
        (["/usr/local/bin/podkeeper", "run", "-"], True),
        (["podkeeper", "run"], False),
        (["podkeeper", "status"], False),
        (["bash", "-c", "podkeeper run w.json"], False),
        ([], False),
    ],
)
def test_the_command_decides(command: list[str], found: bool) -> None:
    assert is_one_job(command) is found


def test_nothing_else_runs() -> None:
    made = settings_for_one_job(Settings(models="auto"))
    assert [made.jupyter_enabled, made.status_enabled, made.ssh_enabled, made.door_port] == [False, False, False, 0]
    assert (made.comfyui_enabled, made.models, made.comfyui_manager) == (True, "none", "off")
