"""`podkeeper run --out s3://...`: the job's own files are in the store, or a failure is named before the job runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.job_pod import comfyui, workflow
from tests.support.pod import Pod, running
from tests.support.s3 import S3
from tests.support.status_server import wait_for_status

pytestmark = pytest.mark.skipif(not shutil.which("rclone"), reason="needs rclone (apt-get install rclone)")
SECRET = "cAn4ryOfTheStore"


class Started(NamedTuple):
    pod: Pod
    store: S3
    file: Path


def environ_of(store: S3) -> dict[str, str]:
    return {name: text for name, text in store.environ(SECRET).items() if name != "OUTPUTS_TO"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("store")
    (folder / "w.json").write_text(json.dumps(workflow()))
    with S3() as store:
        environ = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", **comfyui(folder), **environ_of(store)}
        with running(folder / "home", environ) as pod:
            wait_for_status(pod)
            yield Started(pod, store, folder / "w.json")


def run(started: Started, *words: str) -> subprocess.CompletedProcess[str]:
    return started.pod.podkeeper("run", str(started.file), *words)


def test_a_jobs_files_and_no_others_are_in_the_store(started: Started) -> None:
    other = started.pod.home / "comfyui/output/older.png"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"older")
    started.store.objects.clear()
    for _ in range(2):  # the second time it is there already
        made = run(started, "--out", "s3://bucket/out/today", "--id", "one", "--set", "9.filename_prefix=one")
        assert made.returncode == 0, made.stdout + made.stderr
        assert made.stdout.splitlines()[-1] == "s3://bucket/out/today/one_00001_.png"
    assert started.store.names().keys() == {"today/one_00001_.png"}
    assert started.store.names()["today/one_00001_.png"].startswith(b"\x89PNG")
    assert list(started.store.puts.values()) == [1]


def test_a_file_of_that_name_stays_and_a_fault_is_tried_again(started: Started) -> None:
    started.store.objects.clear()
    started.store.put("out/two_00001_.png", b"of another pod", {})
    faults = iter(["503", "cut"] * 3)  # more than rclone's own tries
    started.store.faults = lambda method, _number: next(faults, "") if method == "PUT" else ""
    made = run(started, "--out", "s3://bucket/out", "--json", "--set", "9.filename_prefix=two")
    assert made.returncode == 0, made.stdout + made.stderr
    (address,) = json.loads(made.stdout)["delivered"]
    names = started.store.names()
    assert names.pop("two_00001_.png") == b"of another pod"
    assert [f"s3://bucket/out/{name}" for name in names] == [address]


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("s3://", 65, "s3://BUCKET/PREFIX"),
        ("s3://bucket/../x", 65, "must not have"),
        ("ftp://host/x", 65, "REMOTE:PATH"),
        ("https://host/x", 65, "./NAME"),
        ("hf://datasets/a/b", 65, "upload protocol"),
        ("nosuch:folder", 73, "rclone has no remote of that name"),
    ],
)
def test_no_store(started: Started, out: str, code: int, words: str) -> None:
    ended = run(started, "--out", out)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert words in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_store_that_refuses_is_told_before_the_job_runs(started: Started) -> None:
    started.store.refuses = True
    try:
        ended = run(started, "--out", "s3://bucket/out", "--id", "refused")
    finally:
        started.store.refuses = False
    assert ended.returncode == 73, ended.stdout + ended.stderr
    assert "refuses the credentials" in ended.stdout
    assert SECRET not in ended.stdout + ended.stderr
    assert not list(started.pod.home.rglob("refused.json"))


def test_as_the_containers_command(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps(workflow()))
    with S3() as store:
        words = ("podkeeper", "run", str(tmp_path / "w.json"), "--no-fetch", "--out", "s3://bucket/out/c")
        done = Pod(tmp_path / "home", comfyui(tmp_path) | environ_of(store), command=words)
        assert done.process.wait(60) == 0, done.text
        assert store.names().keys() == {"c/x_00001_.png"}
        assert SECRET not in done.text
