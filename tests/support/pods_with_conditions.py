"""Pods that really have the conditions listed for them. Used by test_conditions.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.broken_pods import file_system, nothing
from tests.support.file_systems import needs_mount
from tests.support.pod import Pod

BROKEN_COMMAND = ("sh", "-c", "exit 3")
ON = {"COMFYUI_ENABLED": "true", "CUDA_VISIBLE_DEVICES": "-1"}
MANAGER = "comfyui/custom_nodes/ComfyUI-Manager"


@dataclass(frozen=True)
class Sick:
    """One pod and its conditions."""

    conditions: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], AbstractContextManager[object]] = nothing
    before: Callable[[Path], object] = lambda home: None
    harm: Callable[[Pod], object] = lambda pod: None
    command: tuple[str, ...] = ()
    take_ports_of: tuple[str, ...] = ()
    marks: tuple[pytest.MarkDecorator, ...] = ()

    @property
    def id(self) -> str:
        return self.conditions[0]


def many_things(home: Path) -> None:
    """Causes that do not affect each other, all in one pod."""
    (home / "comfyui/.jupyter").mkdir(parents=True)
    (home / "comfyui/.jupyter/jupyter_lab_config.py").write_text("this is not python")
    (home / "comfyui/.jupyter/jupyter_lab_config.json").write_text('{"ServerApp": {"port": "abc"}}')
    (home / "comfyui/extra_model_paths.yaml").write_text("- a list\n")
    (home / "comfyui/models").write_text("a file is in the way")
    (home / "login").write_text("a file is in the way")


def manager(home: Path) -> None:
    (home / MANAGER).mkdir(parents=True)
    (home / MANAGER / "pyproject.toml").write_text('[project]\nversion = "3.38"\n')


def manager_that_can_not_be_settled(home: Path) -> None:
    manager(home)
    (home / "comfyui/user").mkdir()
    for folder in ("__manager", "default"):
        (home / "comfyui/user" / folder).write_text("a file is in the way")


def without_the_logins_file(pod: Pod) -> None:
    (pod.home / "run/jupyter_token").unlink()
    pod.podkeeper("restart", "gateway")


SICK = (
    Sick(
        ("NoGpu", "ComfyUIArgumentDropped", "ExtraModelPathsBroken", "JupyterUserConfigBroken",
         "JupyterUserSettingIgnored", "LoginNotKept", "DataFolderNotReady", "StartCommandFailed"),
        ON | {"JUPYTER_TOKEN": "", "JUPYTER_ENABLED": "true", "COMFYUI_ARGS": "--use-sage-attention"},
        before=many_things, command=BROKEN_COMMAND,
    ),
    Sick(("GpuMissing",), ON | {"RUNPOD_GPU_COUNT": "1"}),
    Sick(("ComfyUIAuthOff", "ManagerRestricted"), ON | {"COMFYUI_AUTH": "none"}, before=manager),
    Sick(("ManagerNotSettled",), ON | {"COMFYUI_AUTH": "none"}, before=manager_that_can_not_be_settled),
    Sick(("WeakToken",), {"JUPYTER_TOKEN": "changeme"}),
    Sick(("JupyterAuthOff",), {"JUPYTER_AUTH": "none"}),
    Sick(("ComfyUIPortTaken", "GatewayPortTaken"), ON, take_ports_of=("comfyui", "gateway")),
    Sick(("ComfyUIMissing",), ON | {"COMFYUI_DIR": "/nowhere"}),
    Sick(("ComfyUIPythonMissing",), ON | {"COMFYUI_PYTHON": "/bin/false"}),
    Sick(("ComfyUIPackagesMissing",), ON | {"COMFYUI_PYTHON": os.path.realpath("/usr/bin/python3")}),
    Sick(("GatewayWithoutLogin",), ON, harm=without_the_logins_file),
    Sick(("VolumeReadOnly", "DataReadOnly", "DataFolderNotReady"), ON, file_system("comfyui", "ro"),
         marks=(needs_mount,)),
    Sick(("VolumeFull",), {}, file_system("comfyui", "size=256k", fill=True), marks=(needs_mount,)),
    Sick(("StartStepFailed",), {}, file_system("home/.jupyter/labconfig/default_setting_overrides.json"),
         marks=(needs_mount,)),
    Sick(("HomeNotUsable",), ON | {"JUPYTER_ENABLED": "true"}, file_system("home/.jupyter", "ro"),
         marks=(needs_mount,)),
    Sick(("VolumeNoExec",), {}, file_system("comfyui", "noexec"), marks=(needs_mount,)),
)  # fmt: skip
