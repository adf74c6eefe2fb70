"""Webhooks, to a real receiver over HTTP: signed, retried, given up, kept over a restart; no secret, no redirect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoint.conditions.condition import Condition
from entrypoint.outputs.deliver import Arrived
from entrypoint.outputs.names import Found
from entrypoint.outputs.receipts import Receipts
from entrypoint.settings.destinations import destination
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition, read_conditions
from entrypoint.system.notify import notify
from entrypoint.system.redaction import Redactor
from entrypoint.webhooks import sender
from entrypoint.webhooks.worker import Worker
from tests.support.outputs import Place
from tests.support.receiver import Received, Receiver

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
TO = "s3://bucket/out"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    (tmp_path / "run/events").mkdir()
    return place


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        running.pages["/history"] = b"{}"
        yield running


def settings(receiver: Receiver, **more: Any) -> Settings:
    return Settings(comfyui_internal_port=receiver.port, pod_id="pod1", **more)


def worker(place: Place, receiver: Receiver, private: bool = True, **more: Any) -> Worker:
    """A worker that has been through its first turn. ComfyUI's port is the receiver's."""
    addresses = {name: sender.Receiver(receiver.url, SECRET, private) for name in ("ON_DONE", "ON_PROBLEM")}
    made = Worker(settings(receiver, **more), place.paths, addresses, Redactor(["hunter2-of-the-pod"]))
    made._outbox.read()
    made.turn()
    return made


def content(received: Received) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(received.body)
    return found


def turn(made: Worker) -> None:
    """A turn in which everything is due."""
    made._next_prompts = 0.0
    for each in made._receivers.values():
        each.next = 0.0
    made.turn()


def history(*entries: tuple[str, str]) -> bytes:
    """ComfyUI's history: (prompt id, output), all of which have just ended."""
    now = int(time.time() * 1000) + 1000
    return json.dumps({
        identity: {
            "prompt": [1, identity, {}, {}, ["9"]],
            "outputs": {"9": {"images": [{"filename": name, "subfolder": "video", "type": "output"}]}},
            "status": {"status_str": "success", "completed": True, "messages": [
                ["execution_start", {"prompt_id": identity, "timestamp": now - 12500}],
                ["execution_success", {"prompt_id": identity, "timestamp": now}],
            ]},
        }
        for identity, name in entries
    }).encode()  # fmt: skip


def test_an_event_arrives_signed_and_without_a_secret(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver)
    assert notify(settings(receiver), place.paths, "idle.countdown", {"seconds": 600, "why": "hunter2-of-the-pod"})
    turn(made)
    (received,) = receiver.received
    found = content(received)
    assert (found["type"], found["pod"]) == ("idle.countdown", "pod1")
    assert found["data"] == {"seconds": 600, "why": "[secret]"}
    fields = received.headers
    assert fields["content-type"] == "application/json"
    assert abs(int(fields["webhook-timestamp"]) - time.time()) < 60
    signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + received.body
    digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert fields["webhook-signature"] == f"v1,{digest}"
    turn(made)
    assert len(receiver.received) == 1


def test_a_condition_is_told_when_it_begins_and_when_it_ends(place: Place, receiver: Receiver) -> None:
    raise_condition(place.paths.runtime, Condition("VolumeFull", "no room", "make room"))
    raise_condition(place.paths.runtime, Condition("NoGpu", "a note", "none"))
    made = worker(place, receiver)
    clear_condition(place.paths.runtime, "VolumeFull")
    worker(place, receiver)  # another process: it does not tell again what was told
    kinds = [(content(each)["type"], content(each)["data"]["name"]) for each in receiver.received]
    assert kinds == [("condition.raised", "VolumeFull"), ("condition.cleared", "VolumeFull")]
    assert content(receiver.received[0])["data"]["remedy"] == "make room"
    assert made._outbox.letters == {}


def test_a_finished_workflow_is_told_once_with_where_its_outputs_are(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver, outputs_to=TO)
    path = place.write("video/a.mp4", b"1234")
    receiver.pages["/history"] = history(("p-1", "a.mp4"))
    turn(made)
    assert receiver.received == []  # its output is not delivered yet
    found = path.stat()
    arrived = Arrived("video/a-1f3870be.mp4", "", {})
    Receipts(place.paths, TO).add({"video/a.mp4": (Found(found.st_size, found.st_mtime_ns), arrived)}, destination(TO))
    worker(place, receiver, outputs_to=TO)  # after a restart
    worker(place, receiver, outputs_to=TO)
    (received,) = receiver.received
    assert content(received)["type"] == "prompt.finished"
    assert content(received)["data"] == {
        "prompt_id": "p-1", "seconds": 12.5, "outputs": ["video/a.mp4"],
        "delivered": {"video/a.mp4": "s3://bucket/out/video/a-1f3870be.mp4"},
    }  # fmt: skip


def test_a_failure_is_tried_again_with_the_same_id_over_a_restart(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver)
    receiver.statuses = [503, 500, 503]
    notify(settings(receiver), place.paths, "idle.stopped", {"why": "hunter2-of-the-pod"})
    turn(made)
    made.turn()  # not due yet
    assert len(receiver.received) == 1
    (kept,) = (place.folder / "state/webhooks/pending").iterdir()
    assert "[secret]" in kept.read_text()
    turn(made)
    turn(made)
    assert [each.name for each in read_conditions(place.paths.runtime)] == ["WebhookNotDelivered"]
    turn(worker(place, receiver))
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert len(receiver.received) == 4
    assert read_conditions(place.paths.runtime) == []
    assert list((place.folder / "state/webhooks/pending").iterdir()) == []


def test_what_the_receiver_refuses_is_given_up_and_kept(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver)
    receiver.statuses = [400] * 5
    notify(settings(receiver), place.paths, "idle.stopped", {"a": 1})
    for _ in range(8):
        turn(made)
    assert len(receiver.received) == 5
    (line,) = (place.folder / "state/webhooks/dead-letters.jsonl").read_text().splitlines()
    assert (json.loads(line)["data"], json.loads(line)["problem"]) == ({"a": 1}, "HTTP 400")
    assert receiver.url not in line
    (condition,) = read_conditions(place.paths.runtime)
    assert "idle.stopped could not be sent to ON_PROBLEM: HTTP 400" in condition.reason
    assert receiver.url not in str(condition)


def test_no_redirect_is_followed_and_no_private_network_reached_unasked(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver)
    with Receiver() as other:
        receiver.statuses, receiver.redirect = [302, 307], other.url
        notify(settings(receiver), place.paths, "idle.stopped", {})
        turn(made)
        turn(made)
        assert other.received == []
    (letter,) = made._outbox.letters.values()
    assert (letter.problem, letter.attempts) == ("HTTP 307", 2)
    receiver.received.clear()
    refused = worker(place, receiver, private=False)
    assert receiver.received == []
    (letter,) = refused._outbox.letters.values()
    assert "WEBHOOKS_PRIVATE" in letter.problem


def test_without_webhooks_no_event_is_left(place: Place, receiver: Receiver) -> None:
    assert not notify(settings(receiver, webhooks_enabled=False), place.paths, "idle.stopped", {})
    assert list((place.folder / "run/events").iterdir()) == []


def test_a_failed_workflow_goes_to_both_addresses(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver)
    entry = json.loads(history(("p-2", "x.png")))
    about = {"timestamp": entry["p-2"]["status"]["messages"][1][1]["timestamp"], "node_type": "KSampler",
             "exception_type": "RuntimeError", "exception_message": "CUDA out of memory\n"}  # fmt: skip
    entry["p-2"]["status"] = {"status_str": "error", "messages": [["execution_error", about]]}
    receiver.pages["/history"] = json.dumps(entry).encode()
    turn(made)
    assert [content(each)["type"] for each in receiver.received] == ["prompt.failed"] * 2
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 2
    assert content(receiver.received[0])["data"]["error"] == "KSampler: RuntimeError: CUDA out of memory"


def test_a_jobs_own_address_and_what_is_none(place: Place, receiver: Receiver) -> None:
    made = worker(place, receiver, webhooks_private=True)
    quiet = settings(receiver, webhooks_enabled=False)
    for to in ("http://[::1", "x://", "://", "http://", "file:///etc/passwd"):
        assert notify(quiet, place.paths, "job.done", {"id": to}, to)
    assert notify(quiet, place.paths, "job.done", {"id": "good"}, f"{receiver.url}/own")
    turn(made)
    told = {content(each)["data"]["id"]: each.path for each in receiver.received}
    assert told.pop("good").endswith("/own")
    assert set(told.values()) <= {"/hook"}, "what names no address goes where all others go"
    receiver.statuses = [400] * 5
    assert notify(quiet, place.paths, "job.failed", {"id": "refused"}, f"{receiver.url}/own?key=cAn4ry")
    for _ in range(8):
        turn(made)
    (line,) = (place.folder / "state/webhooks/dead-letters.jsonl").read_text().splitlines()
    assert json.loads(line)["to"] == "the webhook of a job at 127.0.0.1"
    assert "cAn4ry" not in line + str(read_conditions(place.paths.runtime))
    notify(quiet, place.paths, "job.done", {"id": "next"}, f"{receiver.url}/other")
    turn(made)
    assert read_conditions(place.paths.runtime) == [], "an address that is given up is forgotten"
