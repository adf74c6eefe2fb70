"""WORKFLOWS: workflows into ComfyUI's library with all they need, in the background, and nothing twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrypoint.settings.paths import STARTED
from entrypoint.system.condition_store import read_conditions
from entrypoint.workflows import library
from entrypoint.workflows.worker import CONDITION, Worker
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.workflows.containers import png
from tests.support.workflows.pod import safetensors, without_services, workflow
from tests.support.workflows.shapes import entry


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        started.put("v.safetensors", safetensors(17))
        started.put("w.json", json.dumps(workflow(entry("vae", "v.safetensors"))).encode())
        yield started


@pytest.fixture
def pod(tmp_path: Path, origin: Origin) -> Iterator[Pod]:
    mask = os.umask(0o022)
    made = Pod(tmp_path, origin)
    made.settings = without_services(made)
    yield made
    os.umask(mask)


def run(pod: Pod, *places: str) -> int:
    return Worker(replace(pod.settings, workflows=places), pod.paths, places).run()


def test_a_click_after_that_does_not_look_again_until_the_pods_next_start(
    pod: Pod, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{origin.hub_url}/o/r/resolve/main/w.json"
    monkeypatch.setattr(library, "_ASK_EVERY_S", 0.0)
    counts = []
    for started in ("1.0", "1.0", "2.0"):
        monkeypatch.setenv(STARTED, started)
        assert run(pod, place) == 0
        counts.append(len(origin.hits))
    assert counts[0] == counts[1] < counts[2]


def in_library(pod: Pod) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(library.library(pod.paths)).iterdir()}


def conditions(pod: Pod) -> list[str]:
    return [each.reason for each in read_conditions(pod.paths.runtime) if each.name == CONDITION]


def test_a_workflow_arrives_with_its_model_and_a_new_container_asks_nothing(pod: Pod, origin: Origin) -> None:
    place = f"{origin.hub_url}/o/r/resolve/main/w.json?X-Amz-Signature=s3cret"
    assert run(pod, place) == 0
    assert in_library(pod) == {"w.json": origin.files["w.json"]}
    assert Path(pod.paths.data, "models/vae/v.safetensors").read_bytes() == origin.files["v.safetensors"]
    asked = len(origin.hits)
    for path in Path(pod.paths.reports).iterdir():
        path.unlink()  # the runtime folder is another one
    assert (run(pod, place), len(origin.hits)) == (0, asked)
    assert conditions(pod) == []
    kept = [path.read_bytes() for path in Path(pod.paths.models_state).rglob("*") if path.is_file()]
    assert not any(b"s3cret" in each for each in kept)


def test_what_the_user_has_changed_stays_and_a_newer_one_is_put_beside_it(
    pod: Pod, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{origin.hub_url}/o/r/resolve/main/w.json"
    first = origin.files["w.json"]
    assert run(pod, place) == 0
    mine = Path(library.library(pod.paths), "w.json")
    mine.write_bytes(b'{"nodes": [], "mine": 1}')
    monkeypatch.setattr(library, "_ASK_EVERY_S", 0.0)  # a day later
    assert run(pod, place) == 0
    assert in_library(pod) == {"w.json": b'{"nodes": [], "mine": 1}'}
    origin.put("w.json", first + b" ")
    assert run(pod, place) == 0
    assert in_library(pod) == {"w.json": b'{"nodes": [], "mine": 1}', "w (updated).json": first + b" "}
    origin.put("w.json", first + b"  ")
    assert run(pod, place) == 0
    assert in_library(pod)["w (updated).json"] == first + b"  "  # the user has not changed that one
    assert len(list(Path(pod.paths.models_state, "workflows").iterdir())) == 1
    del origin.files["w.json"]  # the copy is used
    assert (run(pod, place), conditions(pod)) == (0, [])


def test_the_workflow_in_a_picture_is_put_into_the_library(pod: Pod, tmp_path: Path) -> None:
    content = json.dumps(workflow(entry("vae", "v.safetensors"))).encode()
    path = tmp_path / "a picture.png"
    path.write_bytes(png(workflow=content.decode()))
    assert run(pod, str(path)) == 0
    assert in_library(pod) == {"a picture.json": content}


def bad(origin: Origin, folder: Path) -> dict[str, tuple[str, str]]:
    """Place -> (what the condition says, why)."""
    big, page, many = folder / "big.json", folder / "page.json", folder / "many.json"
    big.write_bytes(b'{"nodes": "' + b"x" * (50 << 20) + b'"}')
    page.write_text("<!DOCTYPE html><html>log in</html>")
    many.write_text(json.dumps({"nodes": [{"id": n, "type": "Nowhere"} for n in range(10_000)]}))
    entries: dict[str, tuple[dict[str, Any], str]] = {
        "dots": (entry("vae", "../../../x.safetensors"), "its name must be a path below the models folder"),
        "absolute": (entry("vae", "/etc/x.safetensors"), "its name must be a path below the models folder"),
        "private": (entry("vae", "p.safetensors", url="http://169.254.169.254/x"), "PrivateAddress"),
        "hash": (entry("vae", "v.safetensors", hash="0" * 64), "HashDiffers"),
        "archive": (entry("vae", "a.safetensors", url="https://h/x.zip"), "leads to an archive"),
    }
    found = {
        str(big): ("it has more than 32 MB", "50 MB"),
        str(page): ("it is a web page", "no JSON"),
        str(folder / "none.json"): ("it cannot be read: No such file", "missing"),
        str(many): ("Nowhere: ComfyUI does not run", "10,000 nodes"),
    }
    for name, (model, words) in entries.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(workflow(model)))
        found[str(path)] = (words, name)
    return found


def test_each_bad_workflow_is_a_clear_line_and_the_good_one_arrives(pod: Pod, origin: Origin, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    table = bad(origin, folder)
    good = folder / "good.json"
    good.write_bytes(origin.files["w.json"])
    assert run(pod, *table, str(good)) == 1
    (reason,) = conditions(pod)
    lines = reason.partition(" workflows are not complete: ")[2].split("; /")
    for place, (words, why) in table.items():
        (line,) = [each for each in lines if each.removeprefix("/").startswith(place[1:])]
        assert words in line, why
    assert str(good) not in reason
    models = {path.name for path in Path(pod.paths.data, "models").rglob("*") if path.is_file()}
    assert models == {"v.safetensors"}
    assert run(pod, str(good)) == 0
    assert conditions(pod) == []
