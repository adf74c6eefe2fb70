"""A pod with OUTPUTS_TO and ON_PROBLEM, under RUN_AS where this is root: what is shown, and no secret."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from entrypoint.system.loopback_http import send
from tests.support.file_systems import folder_for_others
from tests.support.pod import TOKEN, Pod, running
from tests.support.receiver import Receiver
from tests.support.s3 import S3
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("rclone"), reason="needs rclone (apt-get install rclone)")
NAMES = ("AWS_SECRET_ACCESS_KEY", "RCLONE_CONFIG", "RCLONE_CONFIG_MINE_HOST", "WEBHOOK_SECRET", "ON_PROBLEM")
CANARIES = {name: f"cAn4ry{name.lower().replace('_', '')}{secrets.token_hex(12)}" for name in NAMES}


class Started(NamedTuple):
    pod: Pod
    store: S3
    receiver: Receiver
    rclone: list[str]  # the arguments of an rclone that ran


def canaries_in(content: bytes) -> set[str]:
    return {
        name
        for name, secret in CANARIES.items()
        if secret.encode() in content or base64.b64encode(secret.encode())[:-4] in content
    }


@pytest.fixture(scope="module")
def started(python: str) -> Iterator[Started]:
    with folder_for_others() as folder, S3() as store, Receiver() as receiver:
        held = threading.Event()
        store.faults = lambda _method, _number: str(held.wait(20) or "")[:0]
        environ = store.environ(CANARIES["AWS_SECRET_ACCESS_KEY"]) | {
            "RCLONE_CONFIG": f"[mine]\ntype = sftp\npass = {CANARIES['RCLONE_CONFIG']}\n",
            "RCLONE_CONFIG_MINE_HOST": CANARIES["RCLONE_CONFIG_MINE_HOST"],
            "WEBHOOK_SECRET": CANARIES["WEBHOOK_SECRET"], "WEBHOOKS_PRIVATE": "true",
            "ON_PROBLEM": f"{receiver.url}/{CANARIES['ON_PROBLEM']}", "UMASK": "nonsense",
            "RUN_AS": "" if os.geteuid() else "12345:12345",
        }  # fmt: skip
        with running(folder / "pod", environ, python=python) as pod:
            output = folder / "pod/comfyui/output/video"
            wait_until(output.parent.parent.is_dir, 60, "the data folder is made")
            output.mkdir(parents=True)
            (output / "a_00001_.mp4").write_bytes(b"1234")
            try:
                arguments = wait_until(lambda: rclone_of(pod), 60, f"rclone runs; see {pod.output}", 0.05)
            finally:
                held.set()
            yield Started(pod, store, receiver, arguments)


def rclone_of(pod: Pod) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return next((each.cmdline() for each in pod.family() if "lsjson" in each.cmdline()), [])
    return []


def test_the_delivery_is_shown_in_every_view(started: Started) -> None:
    pod = started.pod
    ended = pod.podkeeper("outputs", "--wait", "30")
    assert (ended.returncode, ended.stdout) == (0, "outputs: 1 of 1 delivered to s3://bucket/out\n"), ended.stderr
    assert started.store.names() == {"video/a_00001_.mp4": b"1234"}
    assert "outputs   1 of 1 delivered to s3://bucket/out" in pod.podkeeper("status").stdout
    login = {"Authorization": f"token {TOKEN}"}
    wait_until(lambda: send("GET", pod.status_port, "/healthz", 2).status == 200, 60, "the status server is up")
    content = json.loads(send("GET", pod.status_port, "/status.json", 20, login).body)
    assert content["outputs"] == {
        "to": "s3://bucket/out", "known": True, "delivered": 1, "total": 1, "remedy": "",
        "text": "1 of 1 delivered to s3://bucket/out",
    }  # fmt: skip
    metrics = send("GET", pod.status_port, "/metrics", 20, login).body.decode()
    assert "podkeeper_outputs_delivered 1\n" in metrics
    assert "podkeeper_outputs_left 0\n" in metrics
    found = json.loads(pod.podkeeper("outputs", "--now", "--json").stdout)
    assert (found["known"], found["left"]) == (True, 0)


def test_a_condition_of_the_start_arrives_signed(started: Started) -> None:
    def of_settings() -> list[bytes]:
        return [each.body for each in started.receiver.received if b"SettingIgnored" in each.body]

    wait_until(of_settings, 60, "the webhook arrives", 0.1)
    received = next(each for each in started.receiver.received if b"SettingIgnored" in each.body)
    signed = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    digest = hmac.new(CANARIES["WEBHOOK_SECRET"].encode(), signed, hashlib.sha256).digest()
    assert received.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert CANARIES["ON_PROBLEM"] in received.path
    assert canaries_in(received.body) == set()


def test_no_secret_is_in_arguments_environments_files_or_pages(started: Started) -> None:
    pod = started.pod
    assert canaries_in(" ".join(started.rclone).encode()) == set()
    for member in pod.family():
        with contextlib.suppress(psutil.Error, OSError):
            if member.name() == "rclone":  # the one child that needs them
                continue
            content = Path(f"/proc/{member.pid}/environ").read_bytes() + " ".join(member.cmdline()).encode()
            assert canaries_in(content) == set(), member
    found = {
        str(path.relative_to(pod.home)): names
        for path in pod.home.rglob("*")
        if path.is_file() and not path.is_symlink() and (names := canaries_in(path.read_bytes()))
    }
    assert found == {f"run/secrets/{name}": {name} for name in NAMES}
    assert all((pod.home / name).stat().st_mode & 0o077 == 0 for name in found)
    assert canaries_in(pod.text.encode()) == set()
    login = {"Authorization": f"token {TOKEN}"}
    for path in ("/status.json", "/metrics", "/logs/outputs", "/logs/webhooks"):
        assert canaries_in(send("GET", pod.status_port, path, 20, login).body) == set()
    for command in (("outputs",), ("status", "--json"), ("logs", "outputs", "webhooks")):
        ended = pod.podkeeper(*command)
        assert canaries_in((ended.stdout + ended.stderr).encode()) == set()
