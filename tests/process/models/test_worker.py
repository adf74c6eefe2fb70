"""The run in the background waits for the services, but not for ever; it imports nothing of the downloads before."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.models import worker
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system import readiness
from entrypoint.system.condition_store import raise_condition
from tests.support.ports import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path), jupyter_port=free_port(), comfyui_port=free_port())


@pytest.fixture
def paths(settings: Settings) -> Paths:
    found = locate(settings, Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=sys.executable))
    Path(found.runtime).mkdir()
    return found


def test_a_service_that_never_comes_up_is_waited_for_within_its_startup_grace(
    settings: Settings, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = tuple(dataclasses.replace(service, startup_grace=1) for service in SERVICES)
    monkeypatch.setattr(readiness, "SERVICES", patient)
    began = time.monotonic()
    worker._wait_for_services(settings, paths)
    assert 1 <= time.monotonic() - began < 30


def test_a_service_that_cannot_start_is_not_waited_for(settings: Settings, paths: Paths) -> None:
    only_comfyui = dataclasses.replace(
        settings,
        jupyter_enabled=False,
        status_enabled=False,
        comfyui_internal_port=settings.comfyui_port,  # no gateway
    )
    raise_condition(paths.runtime, Condition("ComfyUIMissing", "there is no main.py", "set COMFYUI_DIR"))
    worker._wait_for_services(only_comfyui, paths)  # 600 s otherwise: the test would time out


def test_the_downloads_are_not_imported_during_the_wait() -> None:
    code = "import sys, entrypoint.models.worker; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"pycurl", "asyncio", "rich", "tenacity", "ssl"} & set(out.stdout.split())
