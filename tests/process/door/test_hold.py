"""While ComfyUI is replaced by another version no workflow is accepted: it would be lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.nodes.idle import HOLD
from tests.support.door.running_door import BEARER, FILES, Scene, running
from tests.support.file_systems import let_others_through


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("hold")
    let_others_through(folder)
    (folder / "data").mkdir()
    with running(folder, fake=FILES) as started:
        yield started


def status(scene: Scene, method: str = "POST", path: str = "/prompt") -> int:
    return int(scene.ask(path, BEARER, method, b"{}" if method == "POST" else None).status)


def test_no_workflow_is_accepted_while_comfyui_is_held(scene: Scene) -> None:
    hold = Path(scene.runtime) / "requests" / HOLD
    hold.parent.mkdir(exist_ok=True)
    assert status(scene) == 200
    hold.touch()
    answer = scene.ask("/prompt", BEARER, "POST", b"{}")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert "queue the workflow again in a minute" in json.loads(answer.body)["error"]["message"]
    assert status(scene, "GET", "/queue") == 200
    old = time.time() - 16  # its maker is dead
    os.utime(hold, (old, old))
    assert status(scene) == 200
    hold.unlink()
    assert status(scene) == 200
