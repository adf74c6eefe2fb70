"""One SHA-256 under two names is one file; a cache of the Hugging Face hub is used. Nothing wrong is ever taken."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.models import same_bytes
from entrypoint.models.progress import INSTALLED
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore
from tests.support.file_systems import mounted, needs_mount
from tests.support.models.fetcher import Scene, hub_file
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

BYTES = random.Random(1).randbytes(700_001)
TWIN = dataclasses.replace(hub_file("m.bin"), dest="vae/other.bin")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Origin() as origin:
        origin.put("m.bin", BYTES)
        yield Scene(tmp_path, origin)


def blob(scene: Scene, content: bytes = BYTES, name: str = "") -> Path:
    """A blob of the cache that `Cached` has."""
    path = scene.root / "hub/models--else--where/blobs" / (name or scene.origin.put("m.bin", BYTES))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class Cached(Scene):
    """A scene with a cache of the hub."""

    @property
    def store(self) -> ModelStore:
        return dataclasses.replace(super().store, hub_caches=(str(self.root / "none"), str(self.root / "hub")))


def test_a_second_name_is_a_link_and_replacing_one_leaves_the_other(scene: Scene) -> None:
    scene.download(hub_file())
    sent = scene.origin.sent
    (found,) = scene.download(TWIN)
    assert (found.state, found.how) == (INSTALLED, "linked")
    assert scene.origin.sent - sent <= 1  # the byte that asks for its size and hash
    one, other = scene.installed(hub_file()), scene.installed(TWIN)
    assert one.samefile(other)
    assert scene.store.receipt(TWIN)["fetched"]
    scene.origin.put("m.bin", BYTES[::-1])
    (found,) = scene.download(dataclasses.replace(hub_file(), sha256=scene.origin.put("m.bin", BYTES[::-1])))
    assert found.state == INSTALLED
    assert (one.read_bytes(), other.read_bytes()) == (BYTES[::-1], BYTES)
    assert scene.store.receipt(TWIN)
    assert scene.staged() == []


def test_two_names_in_one_run_are_downloaded_once(scene: Scene) -> None:
    scene.origin.delay = 0.01
    found = scene.download(hub_file(), TWIN)
    assert sorted(each.how for each in found) == ["fetched", "linked"]
    assert scene.origin.sent < len(BYTES) * 1.2


def test_removing_one_of_two_names_frees_nothing_and_keeps_the_other(scene: Scene) -> None:
    scene.download(hub_file(), TWIN)
    assert scene.store.remove(TWIN) == 0
    assert scene.installed(hub_file()).read_bytes() == BYTES
    assert scene.store.remove(hub_file())


def test_rm_says_that_the_other_name_keeps_the_bytes(tmp_path: Path, scene: Scene) -> None:
    pod = Pod(tmp_path, scene.origin, "m.bin", "n.bin")
    scene.origin.put("n.bin", BYTES)
    assert pod.run("fetch")[0] == 0
    code, text = pod.run("rm", "loras/n.bin")
    assert (code, "loras/n.bin: removed; another name keeps its bytes on the disk" in text) == (0, True), text
    assert pod.installed("m.bin").read_bytes() == BYTES


def test_without_links_it_is_a_copy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)
    assert sorted(each.how for each in scene.download(hub_file(), TWIN)) == ["copied", "fetched"]
    assert not scene.installed(hub_file()).samefile(scene.installed(TWIN))
    assert scene.installed(TWIN).read_bytes() == BYTES


def test_a_file_that_has_changed_since_is_no_source(scene: Scene) -> None:
    scene.download(hub_file())
    path = scene.installed(hub_file())
    before = path.stat()
    path.write_bytes(b"x" + BYTES[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # bit rot: the receipt still holds
    (found,) = scene.download(TWIN)
    assert (found.how, scene.installed(TWIN).read_bytes()) == ("fetched", BYTES)


def test_a_blob_of_the_hubs_cache_is_used(tmp_path: Path, scene: Scene) -> None:
    cached = Cached(tmp_path, scene.origin)
    path = blob(cached)
    (found,) = cached.download(hub_file())
    assert (found.how, found.linked_from) == ("linked", str(path))
    assert cached.installed(hub_file()).samefile(path)
    assert cached.origin.sent <= 1


@needs_mount
def test_a_cache_on_another_disk_is_copied_from(tmp_path: Path, scene: Scene) -> None:
    with mounted("-t", "tmpfs", "tmpfs", at=tmp_path / "hub"):
        cached = Cached(tmp_path, scene.origin)
        blob(cached)
        (found,) = cached.download(hub_file())
    assert (found.how, cached.installed(hub_file()).read_bytes()) == ("copied", BYTES)
    assert found.linked_from == ""  # a copy needs room


@pytest.mark.parametrize("damage", ["other bytes", "other bytes, copied", "a cut one", "a link", "a FIFO", "a folder"])
def test_a_wrong_blob_is_not_taken(tmp_path: Path, scene: Scene, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = Cached(tmp_path, scene.origin)
    path = blob(cached, b"x" + BYTES[1:] if damage.startswith("other bytes") else BYTES[:1000])
    if damage == "other bytes, copied":
        monkeypatch.setattr(same_bytes, "_link", lambda *_: False)
    if damage in ("a link", "a FIFO", "a folder"):
        path.unlink()
    if damage == "a link":
        (tmp_path / "target").write_bytes(BYTES)
        path.symlink_to(tmp_path / "target")
    elif damage == "a FIFO":
        os.mkfifo(path)
    elif damage == "a folder":
        path.mkdir()
    (found,) = cached.download(hub_file())
    assert (found.how, cached.installed(hub_file()).read_bytes()) == ("fetched", BYTES)
    assert cached.staged() == []


@pytest.mark.parametrize("step", ["link", "hash", "rename", "receipt"])
def test_killed_at_any_step_nothing_is_half_and_the_next_run_finishes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A child process is killed with SIGKILL right after the step."""
    scene.download(hub_file())
    before, inode = scene.origin.sent, scene.installed(hub_file()).stat().st_ino

    def killed(real: object) -> object:
        def work(*arguments: object, **more: object) -> object:
            result = real(*arguments, **more)  # type: ignore[operator]
            os.kill(os.getpid(), 9)
            return result

        return work

    pid = os.fork()
    if pid == 0:
        place = {"link": (os, "link"), "hash": (same_bytes, "hash_of"), "rename": (os, "rename")}
        owner, name = place.get(step, (ModelStore, "write_receipt"))
        setattr(owner, name, killed(getattr(owner, name)))
        scene.download(TWIN)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    there = scene.installed(TWIN)
    assert not there.exists() or there.read_bytes() == BYTES
    scene.origin.hits.clear()
    (found,) = scene.download(TWIN)
    assert (found.state, there.read_bytes()) == (INSTALLED, BYTES)
    assert scene.origin.sent - before < 1000
    assert scene.installed(hub_file()).stat().st_ino == inode
    assert [name for name in scene.staged() if not name.endswith("/lease")] == []


def test_a_link_that_a_killed_run_has_left_is_never_written_into(scene: Scene) -> None:
    """Else the download of another version would write into the installed file that it is a link to."""
    scene.download(hub_file())
    staging = Path(scene.store.staging_folder(TWIN))
    staging.mkdir(parents=True)
    os.link(scene.installed(hub_file()), staging / "same.0123")
    scene.origin.put("n.bin", BYTES[::-1])
    other = File(bundle="B", source="huggingface", dest=TWIN.dest, keys={"repo_id": "o/r", "path": "n.bin"})
    (found,) = scene.download(other)
    assert (found.how, scene.installed(TWIN).read_bytes()) == ("fetched", BYTES[::-1])
    assert scene.installed(hub_file()).read_bytes() == BYTES
    assert scene.staged() == []
