"""Pods that are really broken, one way each, and the finding that the doctor must put first. Used by test_doctor.py."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from entrypoint.doctor.evaluate_services import CRASH_LOOP
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from tests.support.file_systems import mounted, needs_mount
from tests.support.pod import Pod
from tests.support.waiting import wait_until

Break = Callable[[Pod, contextlib.ExitStack], object]
Prepare = Callable[[Path], AbstractContextManager[object]]


@contextlib.contextmanager
def nothing(home: Path) -> Iterator[None]:
    yield


@dataclass(frozen=True)
class Broken:
    """One way to be broken.

    Attributes:
        name: Of the test.
        check: The check that must be the first to fail.
        words: What its line must hold.
        prepare: What is wrong before the start, and undone at the end.
        harm: What is done to the pod that runs.
        environ: Settings of the pod; {tmp} is a folder with `python`, which has a package called torch.
        settles: Whether its start comes to an end within half a minute.
        marks: pytest's marks.
    """

    name: str
    check: str
    words: str
    harm: Break = lambda pod, stack: None
    prepare: Prepare = nothing
    environ: dict[str, str] = field(default_factory=dict)
    settles: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()


# -- what is wrong before the start


def user_config(text: str, name: str = "comfyui/.jupyter/jupyter_lab_config.py") -> Prepare:
    @contextlib.contextmanager
    def prepare(home: Path) -> Iterator[None]:
        path = home / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        yield

    return prepare


def file_system(folder: str, *options: str, fill: bool = False) -> Prepare:
    @contextlib.contextmanager
    def prepare(home: Path) -> Iterator[None]:
        with mounted("-t", "tmpfs", "-o", ",".join(options), "tmpfs", at=home / folder) as volume:
            if fill:
                fill_up(volume)
            yield

    return prepare


def fill_up(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "big").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


# -- what is done to a pod that runs


def remove_config(pod: Pod, stack: contextlib.ExitStack) -> None:
    (pod.home / "home/.jupyter/jupyter_lab_config.py").unlink()


def overwrite_config(text: str, restart: bool) -> Break:
    def harm(pod: Pod, stack: contextlib.ExitStack) -> None:
        (pod.home / "home/.jupyter/jupyter_lab_config.py").write_text(text)
        if restart:
            pod.podkeeper("restart", "jupyter")

    return harm


def process_of(pod: Pod, words: str) -> psutil.Process:
    def found() -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a one-shot has ended meanwhile
            return [member for member in pod.family() if words in " ".join(member.cmdline())]
        return []

    return wait_until(found, 20, f"a process with {words!r}")[0]


def stop_jupyter(pod: Pod, stack: contextlib.ExitStack) -> None:
    pod.podkeeper("stop", "jupyter")


def freeze_jupyter(pod: Pod, stack: contextlib.ExitStack) -> None:
    process_of(pod, "entrypoint.jupyter").suspend()


def end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def kill_supervisord(pod: Pod, stack: contextlib.ExitStack) -> None:
    for member in pod.family()[1:]:  # without it they have no parent that would end them
        stack.callback(end, member)
    pod.process.kill()
    pod.process.wait(10)


def freeze_supervisord(pod: Pod, stack: contextlib.ExitStack) -> None:
    pod.process.send_signal(signal.SIGSTOP)


def take_the_port_of(service: str) -> Break:
    """Another process listens on the service's port; the service is started again and finds its port taken."""

    def harm(pod: Pod, stack: contextlib.ExitStack) -> None:
        row = next(row for row in SERVICES if row.name == service)
        port = row.port(Settings.from_environ(pod.environ))
        pod.podkeeper("stop", service)
        code = (
            "import socket, time; s = socket.socket();"
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);"
            f"s.bind(('0.0.0.0', {port})); s.listen(); time.sleep(120)"
        )
        other = stack.enter_context(subprocess.Popen([sys.executable, "-I", "-c", code]))
        stack.callback(other.kill)
        wait_until(lambda: listens(port), 10, "the other listens")
        pod.podkeeper("start", service)

    return harm


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def change_the_token(pod: Pod, stack: contextlib.ExitStack) -> None:
    (pod.home / "run/jupyter_token").write_text("another-token")


def crash_comfyui(pod: Pod, stack: contextlib.ExitStack) -> None:
    """So often that it counts as again and again at any moment, also while it is just being started once more."""

    def crashes() -> int:
        programs = json.loads((pod.home / "run/programs.json").read_text())["programs"]
        return int(programs["comfyui"]["restarts"])

    wait_until(lambda: crashes() >= CRASH_LOOP, 60, "comfyui has crashed again and again")


def read_only(pod: Pod, stack: contextlib.ExitStack) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(pod.home / "comfyui")], check=True)


def fill_the_log_disk(pod: Pod, stack: contextlib.ExitStack) -> None:
    fill_up(pod.home / "log")


NO_REMOTE = '{"ServerApp": {"allow_remote_access": false}}'
NO_EXTENSION = json.dumps({"ServerApp": {"jpserver_extensions": {"jupyter_server_terminals": False}}})
NO_GPU_HERE = not os.path.exists("/dev/nvidia0")

BROKEN = (
    Broken("config_overwritten", "jupyter-config", "was overwritten: it lacks c.ServerApp.allow_",
           overwrite_config("c = get_config()\nc.ServerApp.allow_remote_access = False\n", restart=False)),
    Broken("config_gone", "jupyter-config", "is missing", remove_config),
    Broken("terminals_off_by_user", "jupyter-config", "comfyui/.jupyter/jupyter_lab_config.py sets ServerApp.term",
           prepare=user_config("c.ServerApp.terminals_enabled = False\n")),
    Broken("remote_access_off_by_user", "jupyter-config", "sets ServerApp.allow_remote_access = False",
           prepare=user_config(NO_REMOTE, "home/.jupyter/jupyter_lab_config.json")),
    Broken("user_config_broken", "conditions", "JupyterUserConfigBroken", prepare=user_config("this is not python")),
    Broken("extension_off", "terminal", "extension jupyter_server_terminals is switched off",
           prepare=user_config(NO_EXTENSION, "home/.jupyter/jupyter_server_config.json")),
    Broken("jupyter_port_taken", "ports", "of JupyterLab is taken by python", take_the_port_of("jupyter")),
    Broken("jupyter_stopped", "programs", "jupyter was stopped", stop_jupyter),
    Broken("jupyter_frozen", "jupyter", "JupyterLab does not answer", freeze_jupyter),
    Broken("token_changed", "jupyter-login", "JupyterLab refuses this pod's token", change_the_token),
    Broken("no_supervisord", "supervisord", "no pod runs here", kill_supervisord),
    Broken("supervisord_frozen", "supervisord", "is not responding", freeze_supervisord),
    Broken("no_names", "dns", "cannot resolve nowhere.invalid", environ={"HF_ENDPOINT": "https://nowhere.invalid"}),
    Broken("gpu_missing", "gpu", "this pod has 1 GPU(s), and none is visible",
           environ={"RUNPOD_GPU_COUNT": "1", "COMFYUI_ENABLED": "true"}),
    Broken("comfyui_missing", "conditions", "ComfyUIMissing: ComfyUI can't run: there is no main.py",
           environ={"COMFYUI_ENABLED": "true", "COMFYUI_DIR": "/nowhere"}),
    Broken("comfyui_crashes", "conditions", "before it responded: fake: crashed", crash_comfyui,
           environ={"COMFYUI_ENABLED": "true", "COMFYUI_ARGS": "--crash"}, settles=False),
    Broken("comfyui_port_taken", "ports", "of ComfyUI is taken by python", take_the_port_of("comfyui"),
           environ={"COMFYUI_ENABLED": "true"}),
    Broken("gateway_port_taken", "ports", "of JupyterLab is taken by python", take_the_port_of("gateway"),
           environ={"COMFYUI_ENABLED": "true"}),
    Broken("volume_full", "volume", "VolumeFull", prepare=file_system("comfyui", "size=256k", fill=True),
           marks=(needs_mount,)),
    Broken("volume_read_only", "volume", "VolumeReadOnly", read_only, prepare=file_system("comfyui", "size=9M"),
           marks=(needs_mount,)),
    Broken("log_disk_full", "disk", "log is full", fill_the_log_disk,
           prepare=file_system("log", "size=9M"), marks=(needs_mount,)),
)  # fmt: skip
