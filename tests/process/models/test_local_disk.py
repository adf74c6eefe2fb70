"""MODELS_CACHE=local: models go to the container's own disk first, and to the volume behind that. Nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from entrypoint.models import file_copy, local_disk, run, write_behind
from entrypoint.models.bundle_room import bundle_room
from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.catalogue.wanted import FetchRequest, WantedBundle
from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.errors import VolumeFailed
from entrypoint.models.local_disk import LocalDisk, not_on_volume, why_unused
from entrypoint.models.progress import INSTALLED, Transfer
from entrypoint.models.sources.model_file import File
from entrypoint.models.store import ModelStore
from entrypoint.models.write_behind import NAME, WriteBehind
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from tests.support.file_systems import mounted, needs_mount
from tests.support.models.fetcher import Scene, hub_file
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

pytestmark = needs_mount
PATHS = locate(Settings(home="/nonexistent"), Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=""))
SIZE = 700_001
BYTES = random.Random(1).randbytes(SIZE)


class Local(Scene):
    """A scene with a local disk, a tmpfs."""

    @property
    def store(self) -> ModelStore:
        return replace(super().store, cache=str(self.root / "local/cache"))

    @property
    def local(self) -> ModelStore:
        local = self.store.local
        assert local is not None
        return local

    def copy_behind(self) -> tuple[str, ...]:
        """Everything that the local disk alone has goes to the volume; returns the problems."""

        async def work() -> tuple[str, ...]:
            behind = WriteBehind(self.store, self.limits, str(self.root / "run"), self.logged.append)
            async with behind:
                await behind.finish()
            return behind.problems

        return asyncio.run(asyncio.wait_for(work(), 30))

    @property
    def conditions(self) -> list[str]:
        return [f"{each.name}: {each.reason}; {each.remedy}" for each in read_conditions(str(self.root / "run"))]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    monkeypatch.setattr(write_behind, "_LOOK_EVERY_S", 0.05)
    with Origin() as origin, mounted("-t", "tmpfs", "-o", "size=16m", "tmpfs", at=tmp_path / "local"):
        for number in range(4):
            origin.put(f"{number}.bin", BYTES[number:] + BYTES[:number])
        yield Local(tmp_path, origin)


def content(number: int) -> bytes:
    return BYTES[number:] + BYTES[:number]


def test_a_model_is_used_from_the_local_disk_and_then_on_the_volume_verified(scene: Local) -> None:
    file = hub_file("0.bin")
    (found,) = scene.download(file)
    local, volume = Path(scene.local.path(file)), scene.installed(file)
    assert (found.state, local.read_bytes(), volume.exists()) == (INSTALLED, content(0), False)
    hits = len(scene.origin.hits)
    assert scene.download(file)[0].how == "receipt"  # a restart in the same container
    assert scene.copy_behind() == ()
    assert volume.read_bytes() == content(0)
    assert scene.store.receipt(file)["sha256"] == scene.local.receipt(file)["sha256"]
    assert volume.stat().st_mtime_ns == local.stat().st_mtime_ns  # how ComfyUI knows the copy
    assert "0.bin is on the volume, verified there" in "".join(scene.logged)
    for path in (local, Path(scene.local.receipt_path(file))):  # a new container: the local disk is empty
        path.unlink()
    assert scene.download(file)[0].how == "receipt"
    assert len(scene.origin.hits) == hits
    assert scene.staged() == []
    assert scene.conditions == []


def test_what_comfyui_finds_below_models_alone_goes_straight_to_the_volume(scene: Local) -> None:
    sams = replace(hub_file("0.bin"), dest="sams/0.bin")
    scene.download(sams)
    assert scene.installed(sams).read_bytes() == content(0)
    assert not_on_volume(scene.store.local) == []


def test_a_file_that_the_local_disk_has_no_room_for_goes_straight_to_the_volume(scene: Local) -> None:
    Path(scene.root, "local/full").write_bytes(bytes(13 << 20))
    scene.download(hub_file("0.bin"))
    assert scene.installed(hub_file("0.bin")).read_bytes() == content(0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
def test_a_local_disk_that_fails_costs_the_detour_alone(
    scene: Local, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.pwrite

    def failing(file: int, data: bytes, offset: int) -> int:
        if os.fstat(file).st_dev == Path(scene.root, "local").stat().st_dev:
            raise OSError(number, os.strerror(number))
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", failing)
    (found,) = scene.download(hub_file("0.bin"))
    assert (found.state, scene.installed(hub_file("0.bin")).read_bytes()) == (INSTALLED, content(0))


def test_the_oldest_copy_makes_room_and_never_what_the_volume_does_not_have(
    scene: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [hub_file(f"{number}.bin") for number in range(4)]
    for file in files[:3]:
        scene.download(file)
    room = 2 * SIZE  # beside what the three files occupy

    def free(_: str) -> tuple[int, int]:
        there = sum(Path(scene.local.path(file)).exists() for file in files[:3])
        return room + (3 - there) * SIZE, 0

    monkeypatch.setattr(local_disk, "free_space", free)
    disk = LocalDisk(scene.store)
    assert not disk.admit(files[3], 3 * SIZE)  # nothing is on the volume yet
    assert scene.copy_behind() == ()
    Path(scene.installed(files[0])).write_bytes(b"the user's own now")
    assert disk.admit(files[3], 3 * SIZE)
    left = [file.dest for file in files[:3] if Path(scene.local.path(file)).exists()]
    assert left == ["loras/0.bin", "loras/2.bin"]
    disk.sweep()
    assert not Path(scene.local.path(files[0])).exists()  # the volume has another one of that name


def test_what_is_still_to_be_copied_counts_as_room_that_is_taken(scene: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.download(hub_file("0.bin"))
    other = hub_file("1.bin")
    planned = run._Run(Settings(), PATHS, FetchRequest(), scene.store)
    planned.wanted = (WantedBundle(Bundle(name="B", files=(other,)), True, False, "default"),)
    planned.transfers = [Transfer(other, size=SIZE)]
    monkeypatch.setattr(run, "free_space", lambda _: (3 * SIZE // 2, 0))
    assert run._planned(planned).files == ()
    scene.copy_behind()
    assert run._planned(planned).files == (other,)


def test_what_the_local_disk_alone_has_is_not_missing(scene: Local) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    (room,) = bundle_room([Bundle(name="B", files=(file,))], scene.store)
    assert (room.complete, room.total) == (True, SIZE)


def test_a_newer_version_goes_to_the_volume_and_the_local_copy_of_the_old_one_is_dropped(scene: Local) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    scene.copy_behind()
    new = scene.origin.put("0.bin", content(2))
    old = str(scene.store.receipt(file)["sha256"])

    async def work() -> None:
        async with scene.session() as session:
            queue = DownloadQueue(session, scene.store, [Transfer(file, renew=old)], print)
            await queue.survey()
            await queue.run((file,))

    asyncio.run(work())
    assert scene.store.receipt(file)["sha256"] == new
    LocalDisk(scene.store).sweep()
    assert not Path(scene.local.path(file)).exists()


def test_why_the_local_disk_is_not_used(tmp_path: Path) -> None:
    store = ModelStore(str(tmp_path / "data"), str(tmp_path / "kept"))
    assert why_unused(store) == ""
    assert "the container's own disk in any case" in why_unused(replace(store, cache=str(tmp_path / "local")))
    assert "cannot make /proc/models: No such file" in why_unused(replace(store, cache="/proc/models"))


def test_a_file_that_the_user_removes_from_the_volume_stays_removed(scene: Local) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    scene.copy_behind()
    scene.installed(file).unlink()
    scene.copy_behind()
    assert not scene.installed(file).exists()
    assert not Path(scene.local.path(file)).exists()
    assert scene.store.installed(file) == {}


def test_rm_removes_both(scene: Local) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    scene.copy_behind()
    assert (scene.store.remove(file) or 0) >= 2 * SIZE
    assert not scene.installed(file).exists()
    assert not Path(scene.local.path(file)).exists()


def test_a_full_volume_is_a_condition_and_the_local_file_goes_on_being_used(
    scene: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    with monkeypatch.context() as full:
        full.setattr(write_behind, "free_space", lambda _: (SIZE, 100 * SIZE))
        (problem,) = scene.copy_behind()
    assert "0.bin is not on the volume: VolumeFull" in problem
    (text,) = scene.conditions
    assert text.startswith(f"{NAME}: loras/0.bin cannot be copied to the volume: VolumeFull")
    assert "ComfyUI uses it from the container's own disk" in text
    assert scene.store.installed(file)
    assert scene.copy_behind() == ()
    assert scene.conditions == []


@pytest.mark.parametrize("damaged", ["the local file", "what the volume has kept"])
def test_damaged_bytes_never_reach_the_volume(scene: Local, monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    local = Path(scene.local.path(file))
    before = local.stat()
    if damaged == "the local file":
        local.write_bytes(b"x" + content(0)[1:])
        os.utime(local, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        monkeypatch.setattr(write_behind, "hash_on_disk", lambda *_: "0" * 64)
    (problem,) = scene.copy_behind()
    assert not scene.installed(file).exists()
    assert ("LocalCopyDamaged" in problem) == (damaged == "the local file")
    monkeypatch.undo()
    scene.download(file)
    monkeypatch.setattr(write_behind, "_LOOK_EVERY_S", 0.05)
    assert scene.copy_behind() == ()
    assert scene.installed(file).read_bytes() == content(0)


def test_a_volume_that_takes_nothing_for_long_is_a_condition(scene: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_behind, "_STALL_S", 0.1)
    real, seen = file_copy.copy, []

    def slow(*arguments: object) -> str:
        while not scene.conditions:  # ends by the test's own time-out
            pass
        seen.extend(scene.conditions)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(write_behind, "copy", slow)
    scene.download(hub_file("0.bin"))
    assert scene.copy_behind() == ()
    assert "the volume has taken nothing for a minute" in seen[0]
    assert scene.conditions == []


def _after(owner: object, name: str) -> Callable[[], None]:
    """Have this process killed right after the call."""

    def patch() -> None:
        real = getattr(owner, name)

        def work(*arguments: object, **more: object) -> object:
            result = real(*arguments, **more)
            os.kill(os.getpid(), 9)
            return result

        setattr(owner, name, work)

    return patch


STEPS = {
    "the copy": _after(write_behind, "copy"),
    "its hash": _after(write_behind, "hash_on_disk"),
    "the move": _after(ModelStore, "install"),
    "the volume's receipt": _after(ModelStore, "write_receipt"),
    "the local time": _after(os, "utime"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_of_the_copy_nothing_is_lost_or_half(scene: Local, step: str) -> None:
    file = hub_file("0.bin")
    scene.download(file)
    pid = os.fork()
    if pid == 0:
        STEPS[step]()
        scene.copy_behind()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9
    volume, local = scene.installed(file), Path(scene.local.path(file))
    assert not volume.exists() or volume.read_bytes() == content(0)
    assert local.read_bytes() == content(0)
    assert scene.store.installed(file) or volume.exists()
    scene.origin.hits.clear()
    assert scene.download(file)[0].state == INSTALLED
    assert scene.copy_behind() == ()
    assert (volume.read_bytes(), bool(scene.store.receipt(file))) == (content(0), True)
    assert not [hit for hit in scene.origin.hits if hit.side == "cdn" and hit.range != "bytes=0-0"]
    assert [name for name in scene.staged() if not name.endswith("/lease")] == []


def test_a_volume_that_is_gone_is_no_reason_to_lose_the_local_file(
    scene: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise VolumeFailed("VolumeRefuses", "cannot write: Input/output error", "check the volume")

    file: File = hub_file("0.bin")
    scene.download(file)
    monkeypatch.setattr(ModelStore, "prepare", gone)
    assert "VolumeRefuses" in scene.copy_behind()[0]
    assert Path(scene.local.path(file)).read_bytes() == content(0)


def test_the_program_copies_what_an_earlier_run_has_left_and_asks_for_nothing_else(tmp_path: Path) -> None:
    with Origin() as origin, mounted("-t", "tmpfs", "tmpfs", at=tmp_path / "models-cache"):
        pod = Pod(tmp_path, origin, "a.bin")
        origin.put("a.bin", BYTES)
        environ = replace(pod.paths, models_cache=str(tmp_path / "models-cache")).to_environ()
        environ |= {f"{name}_ENABLED": "false" for name in ("JUPYTER", "COMFYUI", "STATUS")} | {"MODELS": "none"}
        store = ModelStore.of(replace(pod.paths, models_cache=str(tmp_path / "models-cache")))
        code, text = pod.run("fetch", "B", **environ)
        assert (code, "loras/a.bin is on the volume, verified there" in text) == (0, True), text
        file, facts = next(iter(store.receipts()))
        assert store.local is not None  # as a run leaves it that was killed before the copy:
        store.local.write_receipt(file, file.sha256, True, fetched=True, source=facts["source"])
        pod.installed("a.bin").unlink()
        Path(store.receipt_path(file)).unlink()
        hits = len(origin.hits)
        assert pod.run("list")[1].count("installed on the local disk") == 0  # without MODELS_CACHE it is none
        assert "installed on the local disk, not on the volume yet" in pod.run("list", **environ)[1]
        code, text = pod.run(**environ)
        assert (code, pod.installed("a.bin").read_bytes()) == (0, BYTES), text
        assert len(origin.hits) == hits
