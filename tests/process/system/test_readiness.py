"""Waiting for services ends at once when a condition says that one of them cannot come up."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import raise_condition
from entrypoint.system.readiness import wait_for_services
from tests.support.ports import free_port

COMFYUI = service_named("comfyui")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path), comfyui_internal_port=free_port())


@pytest.fixture
def paths(settings: Settings) -> Paths:
    found = locate(settings, Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=sys.executable))
    Path(found.runtime).mkdir()
    return found


@pytest.mark.parametrize("name", ["ComfyUIMissing", "ComfyUIPackagesMissing", "ComfyUIPythonMissing"])
def test_a_service_that_a_condition_blocks_is_not_waited_for(settings: Settings, paths: Paths, name: str) -> None:
    raise_condition(paths.runtime, Condition(name, "reason", "remedy"))
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert not list(wait_for_services(settings, paths.runtime, [COMFYUI], began=began, period=0.1))
    assert time.clock_gettime(time.CLOCK_BOOTTIME) - began < COMFYUI.startup_grace / 10


def test_a_service_is_waited_for_while_another_condition_holds(settings: Settings, paths: Paths) -> None:
    """Negative control: its grace has to be over, here by a start that began long ago."""
    raise_condition(paths.runtime, Condition("NoGpu", "reason", "remedy"))
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    began = now - COMFYUI.startup_grace + 1.0
    assert not list(wait_for_services(settings, paths.runtime, [COMFYUI], began=began, period=0.1))
    assert time.clock_gettime(time.CLOCK_BOOTTIME) - now >= 1.0
