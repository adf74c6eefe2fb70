"""A start with something else in the place of every file that the pod keeps: JupyterLab comes up behind its login."""

from __future__ import annotations

import contextlib
import os
import re
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest

from entrypoint.system.files import remove
from tests.support.leftovers import LEFTOVERS
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until

#: Files that an ordinary start does not leave; each is beside those that it does.
MORE = (
    "run/supervisord.pid", "run/supervisor.sock", "run/restarts.json", "run/jupyter_url", "run/secrets/HF_TOKEN",
    "run/conditions/NoGpu.json", "run/conditions/x", "run/requests/comfyui.reboot",
    "run/requests/jupyter.killed-because",
    "run/start_command.json", "log/pod.log", "log/comfyui.log", "log/command.log", "log/jupyter.log.1",
    "home/.jupyter/.jupyter_lab_config.py.1.tmp", "home/.jupyter/.podkeeper-0000000000000000.tmp",
    "home/.jupyter/migrated", "home/.local/share/jupyter/runtime/jpserver-1.json", "home/.bash_history",
    "login/.jupyter_token.1.tmp", "comfyui/models.toml", "comfyui/.podkeeper/receipts/a.json",
    "comfyui/.podkeeper/models-wanted/FLUX", "comfyui/.podkeeper/staging/a/lease",
    "comfyui/.podkeeper/staging/a/part.x",
    "comfyui/.podkeeper/staging/a/journal.x",
    "run/reports/comfyui-starts.json", "run/reports/node-ends.json", "run/reports/comfyui-node", "packages/lock",
    "comfyui/.podkeeper/nodes.json", "comfyui/.podkeeper/packages/key/good.json",
    "comfyui/.podkeeper/packages/key/records/pod.json",
)  # fmt: skip


def another_owner(path: Path) -> None:
    path.write_bytes(b"{}")
    os.chown(path, 65534, 65534)
    path.chmod(0o600)


WAYS: dict[str, Callable[[Path], object]] = {
    each: LEFTOVERS[each]
    for each in ("a folder with files", "a FIFO", "a socket", "a dangling link", "a link to a device", "an empty file")
} | {
    "a torn file": LEFTOVERS["a torn file"], "random bytes": lambda path: path.write_bytes(os.urandom(4096)),
    "a future schema": lambda path: path.write_text('{"schema": 99, "supervisord": {}, "programs": [], "state": {}}'),
    "another user's file": another_owner,
}  # fmt: skip


def plant(home: Path, way: Callable[[Path], object]) -> list[str]:
    """Put a leftover in the place of every file that the pod keeps; returns those places."""
    for each in MORE:
        if (home / each).parent.is_dir():
            remove(str(home / each))
    kept = [path for path in home.rglob("*") if not path.is_dir() and "checkpoint_models" not in path.parts]
    places = {*kept, *(home / each for each in MORE)}
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(str(path))
        way(path)
    return sorted(str(path.relative_to(home)) for path in places)


def comes_up_behind_its_login(pod: Pod) -> None:
    def token() -> str:
        assert pod.process.poll() is None, pod.text
        found = re.search(rf":{pod.jupyter_port}/\S*token=(\S+)", pod.text)
        return found[1] if found else ""

    def up() -> bool:
        with contextlib.suppress(OSError):
            return bool(token() and pod.jupyter("/api/status", token())["started"])
        return False

    wait_until(up, 90, f"JupyterLab answers to the token of the banner; see {pod.output}", 0.1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        pod.jupyter("/api/status", "wrong-token-of-the-tests")
    refused.value.close()
    assert refused.value.code == 401


@pytest.mark.timeout(400)
def test_a_start_survives_a_leftover_in_every_place(tmp_path: Path) -> None:
    ways = {name: way for name, way in WAYS.items() if os.geteuid() == 0 or way is not another_owner}
    for number, (name, way) in enumerate([("nothing", None), *ways.items()]):
        with running(tmp_path / "pod", {"JUPYTER_TOKEN": ""}) as pod:
            comes_up_behind_its_login(pod)
            assert pod.stop() == 0, name
        following = list(ways.values())[number : number + 1]
        for way in following:
            assert len(plant(tmp_path / "pod", way)) >= 40


@pytest.mark.parametrize("kind", ["a file", "a dangling link", "a link to itself"])
def test_a_start_survives_what_is_in_the_place_of_its_folders(tmp_path: Path, kind: str) -> None:
    places = (
        "log", "run/conditions", "run/requests", "run/reports", "run/secrets", "run/gateway", "home/.jupyter",
        "home/.local", "login", "comfyui/models", "comfyui/user", "comfyui/.podkeeper",
    )  # fmt: skip
    for place in places:
        path = tmp_path / "pod" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        LEFTOVERS["a torn file" if kind == "a file" else kind](path)
    with running(tmp_path / "pod", {"JUPYTER_TOKEN": ""}) as pod:
        comes_up_behind_its_login(pod)
