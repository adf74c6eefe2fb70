"""What the disk can do to a download: nothing is lost, no file of the user's is overwritten."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoint.models.download import lease
from entrypoint.models.errors import LeaseLost
from entrypoint.models.outcome import INCOMPLETE, LATER, outcome_of
from entrypoint.models.progress import INSTALLED
from tests.support.models.fetcher import Scene, hub_file
from tests.support.models.origin import Origin

BYTES = random.Random(1).randbytes(700_001)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Origin() as origin:
        origin.put("m.bin", BYTES)
        origin.put("n.bin", BYTES[::-1])
        yield Scene(tmp_path, origin)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.ENOSPC, "VolumeFull"),
        (errno.EDQUOT, "VolumeFull"),
        (errno.EROFS, "VolumeReadOnly"),
        (errno.EIO, "VolumeRefuses"),
    ],
)
def test_a_volume_that_refuses_ends_the_run_and_finished_files_stay(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    scene.download(hub_file())
    real, written = os.pwrite, [0]

    def failing(file: int, data: Any, offset: int) -> int:
        if written[0] > 200_000:
            raise OSError(number, os.strerror(number))
        written[0] += len(data)
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", failing)
    first, second = scene.download(hub_file(), hub_file("n.bin"))
    assert first.state == INSTALLED
    assert second.problem is not None
    assert second.problem[0] == name
    assert not scene.installed(hub_file("n.bin")).exists()
    monkeypatch.undo()
    sent = scene.origin.sent
    _, second = scene.download(hub_file(), hub_file("n.bin"))
    assert second.state == INSTALLED
    assert scene.installed(hub_file("n.bin")).read_bytes() == BYTES[::-1]
    assert scene.origin.sent - sent < len(BYTES) - 100_000  # it resumed


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, LATER), (errno.EROFS, INCOMPLETE)])
def test_another_run_helps_a_full_volume_and_not_a_read_only_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def failing(file: int, data: Any, offset: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", failing)
    assert outcome_of(scene.download(hub_file(), hub_file("n.bin"))).code == code


def test_a_folder_that_cannot_be_made_is_a_named_failure(scene: Scene) -> None:
    Path(scene.store.data).mkdir(parents=True)
    Path(scene.store.data, "models").write_text("a file where a folder should be")
    (transfer,) = scene.download(hub_file())
    assert transfer.problem is not None
    assert transfer.problem[0] == "VolumeRefuses"
    assert Path(scene.store.data, "models").read_text() == "a file where a folder should be"


def test_a_right_file_without_a_receipt_is_hashed_once_and_adopted(scene: Scene) -> None:
    place = scene.installed(hub_file())
    place.parent.mkdir(parents=True)
    place.write_bytes(BYTES)
    (transfer,) = scene.download(hub_file())
    assert transfer.how == "adopted"
    hits = len(scene.origin.hits)
    (transfer,) = scene.download(hub_file())
    assert (transfer.how, len(scene.origin.hits)) == ("receipt", hits)


@pytest.mark.parametrize("content", [BYTES[:1000], BYTES[::-1]], ids=["truncated", "another file"])
def test_a_wrong_file_at_the_destination_is_set_aside(scene: Scene, content: bytes) -> None:
    place = scene.installed(hub_file())
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    (transfer,) = scene.download(hub_file())
    assert transfer.how == "fetched"
    assert place.read_bytes() == BYTES
    assert place.with_name(place.name + ".set-aside").read_bytes() == content
    assert "set-aside" in "".join(scene.logged)


def test_a_changed_file_loses_its_receipt(scene: Scene) -> None:
    scene.download(hub_file())
    scene.installed(hub_file()).write_bytes(b"mine now")
    (transfer,) = scene.download(hub_file())
    assert transfer.how == "fetched"
    assert scene.installed(hub_file()).read_bytes() == BYTES


def test_only_whole_files_ever_stand_in_comfyuis_folders(scene: Scene) -> None:
    scene.origin.cdn_fault = None
    models = Path(scene.store.data, "models")
    real, seen = os.pwrite, []

    def watching(file: int, piece: Any, offset: int) -> int:
        seen.append([path for path in models.rglob("*") if path.is_file()] if models.exists() else [])
        return real(file, piece, offset)

    os.pwrite = watching
    try:
        scene.download(hub_file())
    finally:
        os.pwrite = real
    assert len(seen) > 10
    assert not any(seen)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "staging/m")


def test_a_lease_is_held_by_one(folder: str) -> None:
    held = lease.acquire(folder, 60)
    assert held is not None
    assert lease.acquire(folder, 60) is None
    held.release()
    assert lease.acquire(folder, 60) is not None


def test_a_lease_of_an_ended_process_on_this_machine_is_stale(folder: str) -> None:
    lease.acquire(folder, 60)
    path = Path(folder, "lease")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"started": "1"}))  # another process had this number
    assert lease.acquire(folder, 60) is not None


def test_a_lease_of_another_machine_is_stale_without_renewal(folder: str) -> None:
    first = lease.acquire(folder, 60)
    assert first is not None
    path = Path(folder, "lease")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"machine": "another"}))
    assert lease.acquire(folder, 60) is None
    os.utime(path, (1, 1))
    second = lease.acquire(folder, 60)
    assert second is not None
    with pytest.raises(LeaseLost):
        first.renew()
    first.release()
    second.renew()
