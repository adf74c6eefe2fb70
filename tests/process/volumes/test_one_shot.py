"""`python -m entrypoint.volumes` as supervisord runs it."""

import json
import os
import pathlib
import signal
import stat
import subprocess
import sys

import pytest

from tests.support.checkout import ROOT
from tests.support.file_systems import inodes, misbehaving, needs_fuse, needs_root
from tests.support.waiting import wait_until

REPOSITORY = ROOT


_started = []


@pytest.fixture(autouse=True)
def nothing_outlives_its_test():
    """A failed test leaves no process behind for the next one to stumble over."""
    yield
    while _started:
        process = _started.pop()
        process.kill()
        process.communicate()


class OneShot:
    def __init__(self, tmp_path, stored, **settings):
        self.runtime = tmp_path / "run"
        self.runtime.mkdir(exist_ok=True)
        self.stored = stored
        paths = {
            "DATA": stored, "STORED": stored, "VOLUME": "", "LOG": tmp_path, "HOME": tmp_path,
            "RUNTIME": self.runtime, "PYTHON": sys.executable,
        }  # fmt: skip
        self.environ = {"PATH": os.environ["PATH"], **settings}
        self.environ |= {f"PODKEEPER_{name}_PATH": str(path) for name, path in paths.items()}

    def start(self):
        process = subprocess.Popen(
            [sys.executable, "-m", "entrypoint.volumes"],
            cwd=REPOSITORY,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        _started.append(process)
        return process

    def run(self):
        process = self.start()
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said
        return said

    @property
    def record(self):
        return json.loads((self.runtime / "volumes.json").read_text())[str(self.stored)]

    def conditions(self):
        folder = self.runtime / "conditions"
        return sorted(path.stem for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def source(tmp_path):
    source = tmp_path / "source"
    for folder in range(60):
        (source / f"folder{folder}").mkdir(parents=True)
        for file in range(20):
            path = source / f"folder{folder}" / str(file)
            path.write_text("")
            path.chmod(0o600)
    return source


def all_right(source):
    return all(stat.S_IMODE(found[0]) in (0o777, 0o666) for found in inodes(source).values())


def test_shared_is_done_recorded_and_said(tmp_path, source):
    shot = OneShot(tmp_path, source, VOLUME_POLICY="shared")
    said = shot.run()
    assert all_right(source)
    assert (shot.record["state"], shot.record["files"], shot.record["errors"]) == ("done", 1200, {})
    assert "1261 changes" in said
    assert shot.conditions() == []


@needs_root
def test_auto_as_root_does_the_top_only(tmp_path, source):
    shot = OneShot(tmp_path, source)
    shot.run()
    assert shot.record["policy"] == "top"
    assert stat.S_IMODE((source / "folder7").stat().st_mode) == 0o777
    assert stat.S_IMODE((source / "folder7" / "7").stat().st_mode) == 0o600


@needs_root
def test_auto_with_puid_gives_the_volume_away(tmp_path, source):
    OneShot(tmp_path, source, PUID="1234", PGID="4321").run()
    assert {found[1:3] for found in inodes(source).values()} == {(1234, 4321)}


def test_a_fresh_pass_lets_the_next_one_wait_until_it_is_told_to_stop(tmp_path, source):
    shot = OneShot(tmp_path, source, VOLUME_POLICY="shared")
    shot.run()
    (source / "folder7" / "7").chmod(0o600)
    process = shot.start()
    wait_until(lambda: _catches_term(process.pid), 20, "it waits, ready to be stopped")
    process.send_signal(signal.SIGTERM)
    assert "begins" not in process.communicate(timeout=20)[0]
    assert process.returncode == 0
    # the marker delays; it proves nothing: without it the next pass finds what is wrong
    (shot.runtime / "volumes.json").unlink()
    shot.run()
    assert all_right(source)


@needs_fuse
def test_stopped_in_the_middle_it_loses_nothing_and_the_next_start_goes_on(passthrough, tmp_path, source):
    with misbehaving(passthrough, source, tmp_path / "volume", delay_us=4000) as mount:
        shot = OneShot(tmp_path, mount.folder, VOLUME_POLICY="shared")
        process = shot.start()
        wait_until(lambda: (source / "folder0").exists() and _changed(source) > 20, 60, "the pass is under way")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[0]
        assert process.returncode == 0, said
        assert shot.record["state"] == "stopped", said
        done = _changed(source)
        assert 20 < done < 1200
        said = shot.run()
        assert shot.record["state"] == "done"
        assert shot.record["modes"] < 1261
    assert all_right(source)
    assert all(path.exists() for path in (source / "folder0", source / "folder59" / "19"))


@needs_fuse
def test_a_volume_that_hangs_does_not_keep_the_pass_from_ending(passthrough, tmp_path, source):
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
def test_a_volume_that_refuses_is_one_condition(passthrough, tmp_path, source):
    with misbehaving(passthrough, source, tmp_path / "volume") as mount:
        mount.set(mount.CHOWN, 1)
        shot = OneShot(tmp_path, mount.folder, VOLUME_POLICY="owner", PUID="1234")
        said = shot.run()
        assert shot.record["state"] == "gave up"
        assert shot.conditions() == ["VolumeNotWritable", "VolumePassRefused", "VolumeRootSquash"]
        assert len(said.splitlines()) < 8
        mount.set(mount.CHOWN, 0)
        shot.run()
        assert shot.conditions() == []


def _catches_term(pid):
    caught = pathlib.Path(f"/proc/{pid}/status").read_text().split("SigCgt:")[1].split()[0]
    return int(caught, 16) >> (signal.SIGTERM - 1) & 1


def _changed(source):
    return sum(1 for found in inodes(source).values() if stat.S_IMODE(found[0]) == 0o666)
