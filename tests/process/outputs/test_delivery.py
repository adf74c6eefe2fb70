"""Outputs, by the real rclone, to an S3 store with faults: all there or named, whatever is killed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from entrypoint.system.outputs_state import NOW, delivery
from tests.support.outputs import Place
from tests.support.s3 import S3
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("rclone"), reason="needs rclone (apt-get install rclone)")
FILES, KILLS = 200, 10


def secrets_of(store: S3) -> dict[str, str]:
    return {name: text for name, text in store.environ().items() if name != "OUTPUTS_TO"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def all_delivered(place: Place, count: int) -> bool:
    report = place.report()
    return report.get("total") == count and report["left"] == 0


def test_two_hundred_files_arrive_once_through_faults_and_ten_kills(place: Place) -> None:
    """503, a cut connection or a wrong ETag for one request of 33, and kill -9 at ten random moments."""
    chance = random.Random(23)
    contents = {f"{'video/' if number % 3 else ''}a_{number:05}_.png": os.urandom(2000) for number in range(FILES)}
    for name, content in contents.items():
        place.write(name, content)
    with S3() as store:
        place.keep(secrets_of(store))
        another = os.urandom(100)
        store.put("out/a_00000_.png", another, {})  # of another pod, which counts from 0, too
        store.faults = lambda _method, _number: chance.choice(("503", "cut", "etag")) if chance.random() < 0.03 else ""
        to, kills = store.environ()["OUTPUTS_TO"], 0
        process = place.start(to)
        while kills < KILLS:
            begun = len(store.seen)
            wait_until(lambda begun=begun: len(store.seen) > begun, 60, "it sends")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.4))  # the moment of a kill, not a wait for anything
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = place.start(to)
            kills += 1
        try:
            wait_until(lambda: all_delivered(place, FILES), 60, f"all are delivered; see {place.log}", 0.1)
        finally:
            process.kill()
            process.wait()
        there = store.names()
        renamed = [name for name in there if name not in contents]
        assert there.pop("a_00000_.png") == another  # never replaced
        assert len(renamed) == 1
        assert renamed[0].startswith("a_00000_-")
        there["a_00000_.png"] = there.pop(renamed[0])
        assert there == contents
        assert store.deletes == []
        receipts = {entry["name"]: entry for entry in place.receipts()}
        assert receipts.keys() == contents.keys()
        assert {entry["verified"] for entry in receipts.values()} == {"hash"}
        assert place.condition() == {}


def test_rclone_ends_with_the_program(place: Place) -> None:
    """Else it would go on beside the next start's."""
    place.write("one.png", b"1" * 500)
    held = threading.Event()
    with S3() as store:
        store.faults = lambda _method, _number: str(held.wait(20))[:0]
        place.keep(secrets_of(store))
        process = place.start(store.environ()["OUTPUTS_TO"])
        try:
            wait_until(lambda: store.seen, 60, "rclone has sent a request, which is held")
            (rclone,) = psutil.Process(process.pid).children()
            process.send_signal(signal.SIGKILL)
            process.wait()
            wait_until(
                lambda: not rclone.is_running() or rclone.status() == psutil.STATUS_ZOMBIE, 5, "rclone has ended"
            )
        finally:
            held.set()


def test_what_is_wrong_is_a_condition_with_a_remedy_until_it_is_over(place: Place) -> None:
    place.write("one.png", b"1" * 500)
    with S3() as store:
        store.refuses = True
        place.keep(secrets_of(store))
        with place.running(store.environ()["OUTPUTS_TO"]):
            found = wait_until(place.condition, 60, "the credentials are refused")
            assert "one.png: the destination refuses the credentials" in found["reason"]
            assert "AWS_SECRET_ACCESS_KEY" in found["remedy"]
            assert store.key not in place.log.read_text()
            assert "secret-of-the-store" not in place.log.read_text()
            store.refuses, store.bucket = False, "another"
            wait_until(lambda: "the bucket or folder does not exist" in place.condition()["reason"], 60, "no bucket")
            store.bucket = "bucket"
            place.write("sub/two.png", b"2" * 500)
            # Written to: it is delivered again, by another name, and what was there stays.
            wait_until(lambda: all_delivered(place, 2), 60, "both are delivered")
            wait_until(lambda: not place.condition(), 60, "the condition is cleared")
            place.write("one.png", b"new" * 500)
            (place.output / "sub/two.png").rename(place.output / "sub/three.png")
            (place.folder / "run/requests" / NOW).touch()
            wait_until(lambda: len(store.names()) == 4 and all_delivered(place, 2), 60, "both are delivered again")
            names = store.names()
            assert {names["one.png"], names["sub/two.png"], names["sub/three.png"]} == {b"1" * 500, b"2" * 500}
            assert b"new" * 500 in names.values()
            assert store.deletes == []
            state = delivery(place.report(), store.environ()["OUTPUTS_TO"], time.time())
            assert state.is_complete()
            assert state.text() == "2 of 2 delivered to s3://bucket/out"
            # A volume that is gone has no outputs that could be lost; nothing is known of it.
            (place.folder / "data").rename(place.folder / "gone")
            wait_until(lambda: "cannot be read" in place.condition().get("reason", ""), 60, "the volume is gone")
            assert not delivery(place.report(), store.environ()["OUTPUTS_TO"], time.time()).is_complete()


def test_only_whole_outputs_are_delivered_and_no_link_is_followed(place: Place, tmp_path: Path) -> None:
    """A file that a program still writes waits, however long it stands still. rclone's own remotes work, too."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(b"not an output")
    (place.output / "link").symlink_to(outside)
    (place.output / "link.png").symlink_to(outside / "secret.png")
    place.write(".hidden/a.png", b"x")
    place.write("half.png.tmp", b"x")
    os.mkfifo(place.output / "pipe.png")
    place.write("big.mp4", os.urandom(6 << 20))
    there = tmp_path / "there"
    # Of a delivery that was cut off: the beginning of the file.
    (there / "sub").mkdir(parents=True)
    (there / "sub/cut.png").write_bytes(b"1234")
    place.write("sub/cut.png", b"123456789")
    place.keep({"RCLONE_CONFIG": f"[mine]\ntype = alias\nremote = {there}\n"})
    with (place.output / "open.mp4").open("wb") as writer, place.running("mine:"):
        writer.write(b"begun")
        writer.flush()
        wait_until(lambda: (there / "big.mp4").exists() and place.report().get("left") == 1, 60, "all but one arrive")
        looked = place.report()["looked"]
        wait_until(lambda: place.report()["looked"] > looked, 60, "it has looked again")
        assert not (there / "open.mp4").exists()
        writer.write(b" and ended")
        writer.close()
        wait_until(lambda: all_delivered(place, 3), 60, "it is delivered once it is closed")
    config = place.folder / "run/reports/rclone/rclone.conf"
    assert (config.stat().st_mode & 0o777, config.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert found == {"big.mp4", "open.mp4", "sub/cut.png"}
    assert (there / "open.mp4").read_bytes() == b"begun and ended"
    assert (there / "sub/cut.png").read_bytes() == b"123456789"


def test_large_files_go_in_parts(place: Place) -> None:
    content = os.urandom(6 << 20)
    place.write("big.mp4", content)
    with S3() as store:
        place.keep(secrets_of(store))
        with place.running(store.environ()["OUTPUTS_TO"], RCLONE_S3_UPLOAD_CUTOFF="5Mi"):
            wait_until(lambda: all_delivered(place, 1), 60, f"it is delivered; see {place.log}")
        assert store.names() == {"big.mp4": content}
        assert "-" in store.objects["out/big.mp4"].etag
        assert [entry["verified"] for entry in place.receipts()] == ["hash"]


@pytest.mark.parametrize(
    ("to", "path", "words"),
    [
        ("s3://bucket/out", "/nowhere", "apt-get install -y rclone"),
        ("hf://datasets/me/mine", "", "rclone does not speak"),
        ("unknown:folder", "", "rclone has no remote of that name"),
    ],
)
def test_what_cannot_be_is_said_plainly(place: Place, to: str, path: str, words: str) -> None:
    place.write("a.png", b"1")
    with place.running(to, **({"PATH": path} if path else {})):
        found = wait_until(place.condition, 60, "the condition holds")
        assert words in f"{found['reason']} {found['remedy']}"
        assert place.report()["first_left"][0]["name"] == "a.png"


def test_what_rclone_says_is_shown_without_the_secrets(place: Place) -> None:
    """With a program in rclone's place that prints every secret it has."""
    place.write("a.png", b"1")
    place.keep({"AWS_SECRET_ACCESS_KEY": "hunter2-of-the-store", "RCLONE_CONFIG": "[mine]\npass = another-secret\n"})
    program = place.folder / "bin/rclone"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nfor word; do last=$word; done\necho "oops $AWS_SECRET_ACCESS_KEY" "$(cat "$last")" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    with place.running("mine:x", PATH=f"{program.parent}:{os.environ['PATH']}"):
        found = wait_until(place.condition, 60, "the condition holds")
        assert "oops [secret]" in found["reason"]
        everything = json.dumps(found) + json.dumps(place.report()) + place.log.read_text()
        assert "hunter2" not in everything
        assert "another-secret" not in everything
