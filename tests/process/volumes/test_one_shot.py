"""`python -m entrypoint.volumes` as supervisord runs it."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.file_systems import (
    inodes,
    let_others_through,
    misbehaving,
    mounted,
    needs_fuse,
    needs_mount,
    needs_root,
)
from tests.support.waiting import wait_until

_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_outlives_its_test() -> Iterator[None]:
    """A failed test leaves no process behind for the next one."""
    yield
    while _started:
        process = _started.pop()
        process.kill()
        process.communicate()


class OneShot:
    """Runs of the volumes program with one environment."""

    def __init__(self, tmp_path: Path, stored: Path, **settings: str) -> None:
        self.runtime = tmp_path / "run"
        self.runtime.mkdir(exist_ok=True)
        self.stored = stored
        paths = {
            "DATA": stored, "STORED": stored, "VOLUME": "", "LOG": tmp_path, "HOME": tmp_path,
            "RUNTIME": self.runtime, "PYTHON": sys.executable, "KEPT_SECRETS": "", "MODELS_STATE": "", "PACKAGES": "",
            "MODELS_CACHE": "",
        }  # fmt: skip
        self.environ = {"PATH": os.environ["PATH"], **settings}
        self.environ |= {f"PODKEEPER_{name}_PATH": str(path) for name, path in paths.items()}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrypoint.volumes", *arguments],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _started.append(process)
        return process

    def run(self) -> str:
        process = self.start()
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 0, output
        return output

    @property
    def record(self) -> Any:
        return json.loads((self.runtime / "volumes.json").read_text())[str(self.stored)]

    def conditions(self) -> list[str]:
        folder = self.runtime / "conditions"
        return sorted(path.stem for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for folder in range(60):
        (source / f"folder{folder}").mkdir(parents=True)
        for file in range(20):
            path = source / f"folder{folder}" / str(file)
            path.write_text("")
            path.chmod(0o600)
    return source


def all_changed(source: Path) -> bool:
    return all(stat.S_IMODE(found[0]) in (0o777, 0o666) for found in inodes(source).values())


def test_shared_is_done_recorded_and_logged(tmp_path: Path, source: Path) -> None:
    shot = OneShot(tmp_path, source, VOLUME_POLICY="shared")
    output = shot.run()
    assert all_changed(source)
    assert (shot.record["state"], shot.record["files"], shot.record["errors"]) == ("done", 1200, {})
    assert "1288 changes" in output
    assert shot.conditions() == []


@needs_root
def test_auto_as_root_changes_the_top_only(tmp_path: Path, source: Path) -> None:
    shot = OneShot(tmp_path, source)
    shot.run()
    assert shot.record["policy"] == "top"
    assert stat.S_IMODE((source / "folder7").stat().st_mode) == 0o777
    assert stat.S_IMODE((source / "folder7" / "7").stat().st_mode) == 0o600


@needs_root
def test_auto_with_puid_gives_the_volume_away(tmp_path: Path, source: Path) -> None:
    OneShot(tmp_path, source, PUID="1234", PGID="4321").run()
    assert {found[1:3] for found in inodes(source).values()} == {(1234, 4321)}


def test_a_recent_pass_delays_the_next_one_until_it_is_stopped(tmp_path: Path, source: Path) -> None:
    shot = OneShot(tmp_path, source, VOLUME_POLICY="shared")
    shot.run()
    (source / "folder7" / "7").chmod(0o600)
    process = shot.start()
    wait_until(lambda: _catches_term(process.pid), 20, "it waits, ready to be stopped")
    process.send_signal(signal.SIGTERM)
    assert "begins" not in process.communicate(timeout=20)[0]
    assert process.returncode == 0
    # the record only delays: without it the next pass finds the wrong file
    (shot.runtime / "volumes.json").unlink()
    shot.run()
    assert all_changed(source)


@needs_fuse
def test_a_pass_stopped_in_the_middle_is_resumed_by_the_next_one(
    passthrough: Path, tmp_path: Path, source: Path
) -> None:
    with misbehaving(passthrough, source, tmp_path / "volume", delay_us=4000) as mount:
        shot = OneShot(tmp_path, mount.folder, VOLUME_POLICY="shared")
        process = shot.start()
        wait_until(lambda: (source / "folder0").exists() and _changed(source) > 20, 60, "the pass is under way")
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=20)[0]
        assert process.returncode == 0, output
        assert shot.record["state"] == "stopped", output
        done = _changed(source)
        assert 20 < done < 1200
        output = shot.run()
        assert shot.record["state"] == "done"
        assert shot.record["modes"] < 1261
    assert all_changed(source)
    assert all(path.exists() for path in (source / "folder0", source / "folder59" / "19"))


@needs_fuse
def test_a_volume_that_hangs_does_not_block_a_stop(passthrough: Path, tmp_path: Path, source: Path) -> None:
    with misbehaving(passthrough, source, tmp_path / "volume", delay_us=4000) as mount:
        shot = OneShot(tmp_path, mount.folder, VOLUME_POLICY="shared")
        process = shot.start()
        wait_until(lambda: _changed(source) > 20, 60, "the pass is under way")
        mount.set(mount.HANG, 1)
        process.send_signal(signal.SIGTERM)
        try:
            wait_until(lambda: shot.record["state"] == "stopped", 15, "the pass gives up waiting")
        finally:
            mount.set(mount.HANG, 0)
        process.communicate(timeout=20)
        assert process.returncode == 0


@needs_fuse
def test_a_volume_that_refuses_changes_is_one_condition(passthrough: Path, tmp_path: Path, source: Path) -> None:
    let_others_through(tmp_path)
    with misbehaving(passthrough, source, tmp_path / "volume") as mount:
        mount.set(mount.CHOWN, 1)
        shot = OneShot(tmp_path, mount.folder, VOLUME_POLICY="owner", PUID="1234")
        output = shot.run()
        assert shot.record["state"] == "gave up"
        assert shot.conditions() == ["DataFolderNotReady", "VolumeNotWritable", "VolumePassRefused", "VolumeRootSquash"]
        assert len(output.splitlines()) < 8
        mount.set(mount.CHOWN, 0)
        shot.run()
        assert shot.conditions() == []


def _catches_term(pid: int) -> bool:
    caught = Path(f"/proc/{pid}/status").read_text().split("SigCgt:")[1].split()[0]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def _changed(source: Path) -> int:
    return sum(1 for found in inodes(source).values() if stat.S_IMODE(found[0]) == 0o666)


@needs_mount
def test_a_volume_that_fails_while_the_pod_runs_is_a_condition_until_it_is_right(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", at=tmp_path / "v") as volume:
        shot = OneShot(tmp_path, volume)
        process = shot.start("--watch", "0.1")
        wait_until(lambda: (shot.runtime / "volumes.json").exists() and shot.record["state"] == "done", 30, "the pass")
        assert shot.conditions() == []
        filler = volume / "filler"
        descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY)
        with contextlib.suppress(OSError):
            while os.write(descriptor, bytes(4096)):
                pass
        os.close(descriptor)
        wait_until(lambda: shot.conditions() == ["VolumeFull"], 30, "the condition of a full volume")
        filler.unlink()
        wait_until(lambda: shot.conditions() == [], 30, "it is gone with the cause")
        subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
        wait_until(lambda: shot.conditions() == ["VolumeReadOnly"], 30, "the condition of a read-only volume")
        subprocess.run(["mount", "-o", "remount,rw", str(volume)], check=True)
        wait_until(lambda: shot.conditions() == [], 30, "it is gone with the cause")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_program_makes_comfyuis_folders_before_it_opens_them(tmp_path: Path) -> None:
    """Not the start: on a slow volume JupyterLab would wait for thirty folders (50 ms a call: 6 s)."""
    stored = tmp_path / "data"
    stored.mkdir()
    shot = OneShot(tmp_path, stored, VOLUME_POLICY="top")
    process = shot.start()
    assert process.wait(30) == 0
    assert (stored / "models/checkpoints").is_dir()
    assert (stored / "models/checkpoint_models").readlink() == Path("checkpoints")
    assert stat.S_IMODE((stored / "output").stat().st_mode) == 0o777
