"""A job's own webhook: a signed POST tells it of the end, in a pod that has no other; nothing keeps its address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.job_pod import comfyui, send, workflow
from tests.support.pod import Pod, running
from tests.support.receiver import Receiver
from tests.support.status_server import wait_for_status
from tests.support.waiting import wait_until

WAIT = "?wait=60"
PATH = "cAn4ryOfTheHook"


class Started(NamedTuple):
    pod: Pod
    receiver: Receiver


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("hook")
    environ = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "WEBHOOK_SECRET": "a-secret", **comfyui(folder)}
    with Receiver() as receiver, running(folder / "home", environ | {"WEBHOOKS_PRIVATE": "true"}) as pod:
        wait_for_status(pod)
        yield Started(pod, receiver)


def test_the_end_of_a_job_is_told_signed(started: Started) -> None:
    pod, receiver = started
    hook = f"{receiver.url}/{PATH}"
    receiver.statuses = [503]  # it is tried again
    assert send(pod, {"workflow": workflow(), "id": "good", "webhook": hook}, WAIT)[0] == 200
    assert send(pod, {"workflow": workflow(("Fail", {})), "id": "bad", "webhook": hook}, WAIT)[0] == 200
    wait_until(lambda: len(receiver.received) == 3, 60, f"three requests; see {pod.output}")
    found = {}
    for each in receiver.received:
        assert each.path.endswith(PATH)
        signed = f"{each.headers['webhook-id']}.{each.headers['webhook-timestamp']}.".encode() + each.body
        digest = base64.b64encode(hmac.new(b"a-secret", signed, hashlib.sha256).digest()).decode()
        assert each.headers["webhook-signature"] == f"v1,{digest}"
        content = json.loads(each.body)
        found[content["data"]["id"]] = content
    assert found["good"]["type"] == "job.done"
    (file,) = found["good"]["data"]["files"]
    assert file["place"].endswith(".png")
    assert found["bad"]["type"] == "job.failed"
    assert found["bad"]["data"]["failure"]["reason"].endswith("the picture is upside down")
    left = [path for path in pod.home.rglob("*") if path.is_file() and PATH.encode() in path.read_bytes()]
    assert left == [], "records, logs and letters"
    assert PATH not in pod.text


@pytest.mark.parametrize(
    "webhook", ["", "ftp://host/x", "https://user:word@host/", "https://", "https://h/" + "x" * 2048, 5, ["https://h"]]
)
def test_what_is_no_webhook(started: Started, webhook: Any) -> None:
    status, found = send(started.pod, {"workflow": workflow(), "webhook": webhook}, WAIT)
    assert (status, found["failure"]["name"]) == (400, "BadRequest")
    assert "`webhook` must be an https:// address" in found["error"]


def test_no_private_network(tmp_path: Path) -> None:
    with Receiver() as receiver, running(tmp_path / "home", {"COMFYUI_ENABLED": "true", **comfyui(tmp_path)}) as pod:
        wait_for_status(pod)
        hosts = ("127.0.0.1", "localhost", "169.254.169.254", "[::1]", "2130706433", "0x7f.1", "10.1.2.3")
        for host in hosts:
            status, found = send(pod, {"workflow": workflow(), "webhook": f"http://{host}:{receiver.port}/"}, WAIT)
            assert status == 400, host
            assert "private network" in found["error"]
        # A name shows where it leads only when it is asked for.
        by_name = f"http://localhost.:{receiver.port}/"
        assert send(pod, {"workflow": workflow(), "webhook": by_name}, WAIT)[0] == 200

        def letters() -> str:
            return "".join(each.read_text() for each in pod.home.rglob("webhooks/pending/msg_*.json"))

        wait_until(lambda: "private network" in letters(), 30, "it is refused")
        assert receiver.received == []


def test_a_message_that_a_pod_has_left_is_sent_by_the_next_one(tmp_path: Path) -> None:
    environ = {"COMFYUI_ENABLED": "true", "JUPYTER_ENABLED": "false", "WEBHOOKS_PRIVATE": "true", **comfyui(tmp_path)}
    with Receiver() as receiver:
        receiver.statuses = [503] * 100
        with running(tmp_path / "home", environ) as pod:
            wait_for_status(pod)
            assert send(pod, {"workflow": workflow(), "id": "left", "webhook": receiver.url}, WAIT)[0] == 200
            wait_until(lambda: receiver.received, 30, "it is tried")
        receiver.received.clear()
        receiver.statuses = []
        with running(tmp_path / "home", environ):
            wait_until(lambda: receiver.received, 30, "it is sent")
        assert json.loads(receiver.received[0].body)["data"]["id"] == "left"
