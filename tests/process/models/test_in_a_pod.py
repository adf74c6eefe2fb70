"""Models in a whole pod: after the services, in the background, reported in the log, resumed at the next start."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoint.system.condition_store import read_conditions
from tests.support.models.origin import Origin
from tests.support.pod import Pod, running
from tests.support.waiting import wait_until

MIB = 1 << 20
HEAD = "schema = 1\n[bundles.B]\n[bundles.C]\ndefault = false\n"


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        yield started


def manifest(home: Path, **bundle_of: str) -> None:
    """models.toml on the volume, as a user keeps it: name of a file = its bundle."""
    (home / "comfyui").mkdir(parents=True, exist_ok=True)
    tables = [
        f'[[files]]\nbundle = "{bundle}"\nsource = "huggingface"\nrepo_id = "o/r"\n'
        f'path = "{name}.bin"\ndest = "loras/{name}.bin"\n'
        for name, bundle in bundle_of.items()
    ]
    (home / "comfyui/models.toml").write_text(HEAD + "".join(tables))


def wanting(origin: Origin, **more: str) -> dict[str, str]:
    return {"MODELS": "auto", "HF_ENDPOINT": origin.hub_url} | more


def state(pod: Pod) -> dict[str, Any]:
    path = pod.home / "run/reports/models.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def condition(pod: Pod) -> str:
    return next((str(each) for each in read_conditions(str(pod.home / "run"))
                 if each.name == "ModelsIncomplete"), "")  # fmt: skip


def status(pod: Pod) -> str:
    return next((line for line in pod.podkeeper("status").stdout.splitlines() if line.startswith("models")), "")


def test_a_model_arrives_after_the_services_and_the_log_says_so(tmp_path: Path, origin: Origin) -> None:
    content = random.Random(1).randbytes(3 * MIB)
    origin.put("a.bin", content)
    manifest(tmp_path / "pod", a="B")
    up_before: list[bool] = []

    async def asked(origin: Origin, request: object, before: int) -> None:
        up_before.append("JupyterLab is up" in pod.text)

    origin.hub_fault = asked
    with running(tmp_path / "pod", wanting(origin)) as pod:
        pod.wait_for_log("models   | models: complete")
        assert up_before
        assert all(up_before)
        assert (tmp_path / "pod/comfyui/models/loras/a.bin").read_bytes() == content
        assert "models   | models: B; 3.1 MB to fetch" in pod.text
        found = state(pod)
        assert (found["state"], found["bytes"], found["seconds_left"]) == ("complete", 3 * MIB, None)
        assert found["fastest_bytes_per_second"] > 0
        assert [(each["dest"], each["state"]) for each in found["files"]] == [("loras/a.bin", "there")]
        wait_until(lambda: "EXITED" in status(pod), 10, "it has ended")
        assert not condition(pod)
        # Started again after its end, as the status page does: only a look.
        hits = len(origin.hits)
        pod.podkeeper("restart", "models")
        wait_until(lambda: pod.text.count("models: complete") == 2, 20, "the second run has ended")
        assert len(origin.hits) == hits
        assert pod.stop() == 0
        assert not re.search(r"\b(CRIT|ERRO)\b|Traceback", pod.text)


def test_a_stopped_download_resumes_at_the_next_start(tmp_path: Path, origin: Origin) -> None:
    content = random.Random(2).randbytes(40 * MIB)
    origin.put("a.bin", content)
    manifest(tmp_path / "pod", a="B")
    origin.delay = 0.02
    with running(tmp_path / "pod", wanting(origin)) as pod:
        wait_until(lambda: origin.sent > 15 * MIB, 60, "a third is there", 0.01)
        assert state(pod)["state"] == "running"
        assert pod.stop() == 0
        assert "models: stopped; downloaded bytes are kept" in pod.text
        assert "Traceback" not in pod.text
    origin.delay = 0
    with running(tmp_path / "pod", wanting(origin)) as pod:
        pod.wait_for_log("models: complete")
        assert (tmp_path / "pod/comfyui/models/loras/a.bin").read_bytes() == content
        assert origin.sent < 50 * MIB
        assert pod.stop() == 0


def test_a_bad_address_leaves_jupyterlab_alone_and_is_a_condition_with_a_remedy(tmp_path: Path, origin: Origin) -> None:
    origin.put("a.bin", b"x" * MIB)
    manifest(tmp_path / "pod", a="B", gone="B")
    with running(tmp_path / "pod", wanting(origin)) as pod:
        pod.wait_for_log("models: loras/gone.bin: NotFound: HTTP 404; check repository, revision and path")
        wait_until(lambda: condition(pod), 10, "the condition")
        assert "loras/gone.bin" in condition(pod)
        assert "; check repository, revision and path in the manifest" in condition(pod)
        assert (tmp_path / "pod/comfyui/models/loras/a.bin").exists()
        assert state(pod)["state"] == "incomplete"
        wait_until(lambda: "EXITED" in status(pod), 10, "1 is final: it is not started again")
        assert pod.jupyter("/api")["version"]
        assert pod.stop() == 0


def test_a_killed_run_is_restarted_and_resumes(tmp_path: Path, origin: Origin) -> None:
    """Killed by the kernel for memory, say: supervisord starts it again and it resumes."""
    content = random.Random(3).randbytes(30 * MIB)
    origin.put("a.bin", content)
    manifest(tmp_path / "pod", a="B")
    origin.delay = 0.02
    with running(tmp_path / "pod", wanting(origin)) as pod:
        wait_until(lambda: origin.sent > 10 * MIB, 60, "a third is there", 0.01)
        (member,) = [each for each in pod.family() if each.cmdline()[-1] == "entrypoint.models"]
        member.kill()
        origin.delay = 0
        pod.wait_for_log("models: complete")
        assert (tmp_path / "pod/comfyui/models/loras/a.bin").read_bytes() == content
        assert origin.sent < 40 * MIB


def test_models_none_sends_no_request_and_bundles_can_still_be_requested(tmp_path: Path, origin: Origin) -> None:
    origin.put("a.bin", b"a" * MIB)
    origin.put("c.bin", b"c" * MIB)
    manifest(tmp_path / "pod", a="B", c="C")
    with running(tmp_path / "pod", wanting(origin, MODELS="none")) as pod:
        pod.wait_for_log("models: MODELS=none, nothing is fetched")
        assert origin.hits == []
        assert state(pod)["state"] == "off"
        # What the status page's button does.
        wanted = tmp_path / "pod/comfyui/.podkeeper/models-wanted"
        wanted.mkdir(mode=0o700, parents=True)
        (wanted / "C").touch()
        (wanted / "NONSENSE").touch()
        pod.podkeeper("restart", "models")
        pod.wait_for_log("models: complete")
        assert (tmp_path / "pod/comfyui/models/loras/c.bin").exists()
        assert not (tmp_path / "pod/comfyui/models/loras/a.bin").exists()
        assert [path.name for path in wanted.iterdir()] == []
        assert "NONSENSE was requested, but there is no such bundle" in pod.text


def test_a_pod_fetches_only_named_bundles_by_itself(tmp_path: Path, origin: Origin) -> None:
    origin.put("a.bin", b"a" * MIB)
    origin.put("c.bin", b"c" * MIB)
    manifest(tmp_path / "pod", a="B", c="C")
    with running(tmp_path / "pod", wanting(origin, MODELS="")) as pod:
        pod.wait_for_log("models: nothing is fetched by itself")
        assert origin.hits == []
        assert pod.stop() == 0
    with running(tmp_path / "pod", wanting(origin, MODELS="", DOWNLOAD_C="true")) as pod:
        pod.wait_for_log("models: complete")
        assert (tmp_path / "pod/comfyui/models/loras/c.bin").exists()
        assert not (tmp_path / "pod/comfyui/models/loras/a.bin").exists()
