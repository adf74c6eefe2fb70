"""The top folders of a volume, before the services start."""

import os
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from entrypoint.settings.volume_policy import OWNER, TOP
from entrypoint.volumes import open_top
from entrypoint.volumes.open_top import make_top_usable
from entrypoint.volumes.rules import Rule
from tests.support.file_systems import inodes, misbehaving, mounted, needs_fuse, needs_mount, needs_root


def rule(top: Path, policy: str = TOP, uid: int = 0, gid: int = 0) -> Rule:
    return Rule(str(top), policy, uid, gid, depth=1)


def mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def make(top: Path, *folders: str) -> Path:
    for folder in ("", *folders):
        (top / folder).mkdir(parents=True, exist_ok=True)
        (top / folder).chmod(0o755)
    return top


def test_ls_shows_drwxrwxrwx(tmp_path: Path) -> None:
    top = make(tmp_path / "comfyui", "models", "models/loras", "output", ".cache")
    (top / "file").write_text("")
    (top / "file").chmod(0o600)
    report = make_top_usable(str(top), rule(top))
    shown = subprocess.run(["ls", "-ld", str(top)], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("drwxrwxrwx")
    assert [mode(top / each) for each in ("models", "output", "models/loras", ".cache", "file")] == [
        *(0o777, 0o777, 0o755, 0o755, 0o600)
    ]
    assert (report.folders, report.changed, report.errors, report.complete) == (3, 3, {}, True)


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    top = make(tmp_path / "comfyui", "models")
    make_top_usable(str(top), rule(top))
    before = inodes(top)
    assert make_top_usable(str(top), rule(top)).changed == 0
    assert inodes(top) == before


def test_the_link_to_the_volume_is_followed_and_no_other(tmp_path: Path) -> None:
    """/comfyui is a link to the volume's folder; a link below it may lead anywhere."""
    top = make(tmp_path / "volume", "models")
    away = make(tmp_path / "away")
    (top / "output").symlink_to(away)
    (tmp_path / "comfyui").symlink_to(top)
    make_top_usable(str(tmp_path / "comfyui"), rule(top))
    assert [mode(top), mode(top / "models"), mode(away)] == [0o777, 0o777, 0o755]


@needs_root
def test_owner_changes_the_owner_of_the_top(tmp_path: Path) -> None:
    top = make(tmp_path / "comfyui", "models")
    make_top_usable(str(top), rule(top, OWNER, 1234, 4321))
    assert (os.stat(top / "models").st_uid, os.stat(top).st_gid) == (1234, 4321)


@needs_mount
def test_another_mount_in_the_first_level_is_left(tmp_path: Path) -> None:
    top = make(tmp_path / "comfyui", "bound")
    away = make(tmp_path / "away")
    with mounted("--bind", str(away), at=top / "bound"):
        make_top_usable(str(top), rule(top))
        assert mode(away) == 0o755


@needs_mount
def test_a_read_only_volume_is_reported_not_raised(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", at=tmp_path / "comfyui") as top:
        report = make_top_usable(str(top), rule(top))
    assert (report.errors, report.complete) == ({"EROFS": 1}, False)


def test_a_missing_folder_is_reported_not_raised(tmp_path: Path) -> None:
    assert make_top_usable(str(tmp_path / "nowhere"), rule(tmp_path)).errors == {"ENOENT": 1}


def test_a_crowded_first_level_is_not_listed_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """60,000 files beside the folders must not delay the start; the background pass does the rest."""
    monkeypatch.setattr(open_top, "MAX_ENTRIES", 5)
    top = make(tmp_path / "comfyui", *map(str, range(10)))
    report = make_top_usable(str(top), rule(top))
    assert (report.folders, report.complete, mode(top)) == (6, False, 0o777)


@needs_fuse
def test_a_slow_volume_does_not_delay_the_start(passthrough: Path, tmp_path: Path) -> None:
    source = make(tmp_path / "source", *map(str, range(100)))
    with misbehaving(passthrough, source, tmp_path / "volume", delay_us=20_000) as mount:
        began = time.monotonic()
        report = make_top_usable(str(mount.folder), rule(mount.folder), budget_s=0.2)
        assert time.monotonic() - began < 5
        assert not report.complete
        assert mode(mount.folder) == 0o777


def test_a_folder_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    top = make(tmp_path / "comfyui", "models")
    victim = make(tmp_path / "victim")
    link = top / "zlink"
    link.symlink_to(victim)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(top / "models", top / "spare")
            os.rename(link, top / "models")
            os.rename(top / "models", link)
            os.rename(top / "spare", top / "models")

    swapper = threading.Thread(target=swap)
    swapper.start()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        make_top_usable(str(top), rule(top))
        top.chmod(0o755)
    stop.set()
    swapper.join()
    assert mode(victim) == 0o755
