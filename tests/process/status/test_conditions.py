"""Each condition is produced for real, and every place that shows the pod shows it with its remedy."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.settings import Settings
from entrypoint.system.loopback_http import send
from entrypoint.system.mounts import responds
from entrypoint.volumes import boot_steps
from tests.support.broken_pods import take_the_port_of
from tests.support.file_systems import as_user, build_passthrough, misbehaving, needs_fuse, needs_root
from tests.support.pod import Pod, environ_for, running
from tests.support.pods_with_conditions import SICK, Sick
from tests.support.ports import free_port
from tests.support.waiting import wait_until


@pytest.mark.parametrize("sick", [pytest.param(sick, id=sick.id, marks=sick.marks) for sick in SICK])
def test_each_condition_is_shown_with_its_remedy_wherever_the_pod_is_shown(sick: Sick, tmp_path: Path) -> None:
    """`podkeeper status`, its JSON, the status server's JSON and metrics (which its page draws), and the doctor."""
    home = tmp_path / "pod"
    home.mkdir()
    environ = {"JUPYTER_ENABLED": "false", "COMFYUI_INTERNAL_PORT": str(free_port())} | environ_for(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(sick.prepare(home))
        sick.before(home)
        pod = stack.enter_context(running(home, environ | sick.environ, command=sick.command))
        wait_until(
            lambda: send("GET", int(pod.environ["STATUS_INTERNAL_PORT"]), "/healthz", 2).status == 200,
            60,
            "the status server is up",
            0.1,
        )
        sick.harm(pod)
        for service in sick.take_ports_of:
            take_the_port_of(service)(pod, stack)
        wait_until(lambda: set(sick.conditions) <= set(held(pod)), 60, f"{sick.conditions}; see {pod.output}", 0.2)
        conditions = held(pod)
        shown = everywhere(pod)
    for name in sick.conditions:
        remedy = conditions[name]["remedy"]
        assert remedy
        missing = [place for place, text in shown.items() if name not in text or plain(remedy)[:40] not in plain(text)]
        assert missing == [], f"{name} is not shown by {missing}"


def held(pod: Pod) -> dict[str, dict[str, str]]:
    """What the pod itself has recorded."""
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


def everywhere(pod: Pod) -> dict[str, str]:
    """Place -> what it shows."""
    login = {"X-Podkeeper-Door": (pod.home / "run/door_secret").read_text()}  # the door itself may be down
    port = int(pod.environ["STATUS_INTERNAL_PORT"])
    served = {path: send("GET", port, path, 20, login).body.decode() for path in ("/status.json", "/metrics")}
    doctor = json.loads(pod.podkeeper("doctor", "--json").stdout)
    return served | {
        "podkeeper status": pod.podkeeper("status").stdout,
        "podkeeper status --json": pod.podkeeper("status", "--json").stdout,
        "podkeeper doctor": json.dumps(doctor["checks"], ensure_ascii=False),
    }


def plain(text: str) -> str:
    """Without what one or the other place writes differently: quotes, backslashes."""
    return "".join(character for character in text if character not in "\"'\\")


@needs_root
def test_a_pod_that_is_not_root_cannot_run_as_another_user() -> None:
    def check() -> None:
        with pytest.raises(CannotDo, match=r"^RunAsNotPossible: "):
            boot_steps.check_user(Settings(run_as="1000:1000"))

    as_user(65534, check)


@needs_fuse
def test_a_volume_that_does_not_respond_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with misbehaving(build_passthrough(tmp_path), tmp_path / "source", tmp_path / "volume") as volume:
        volume.set(volume.HANG, 1)
        assert not responds(str(volume.folder / "models"), 0.5)
    with pytest.raises(CannotDo, match=r"^VolumeNotAnswering: "):
        boot_steps.report_unresponsive_volumes((str(tmp_path / "volume"),))


def test_the_python_that_stands_in_has_no_torch() -> None:
    """ComfyUIPackagesMissing is produced by the system's own Python; it must not happen to have torch."""
    assert subprocess.run(["/usr/bin/python3", "-I", "-c", "import torch"], capture_output=True).returncode
    assert sys.version_info >= (3, 11)
