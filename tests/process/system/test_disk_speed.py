"""The measurement of a disk: its figures, and disks that do not let it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from entrypoint.system import disk_speed
from entrypoint.system.disk_speed import PREFIX, measure
from tests.support.file_systems import Misbehaving, build_passthrough, misbehaving, mounted, needs_fuse, needs_mount

SMALL = 1 << 20


def test_a_disk_has_a_figure_for_each_way_and_keeps_no_file(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}killed").touch()
    (tmp_path / f"{PREFIX}running").touch()
    os.utime(tmp_path / f"{PREFIX}killed", (1, 1))
    found = measure(str(tmp_path), SMALL)
    assert found["folder"] == str(tmp_path)
    assert found["bytes"] == SMALL
    assert all(int(found[name] or 0) > 0 for name in ("write", "read", "mapped")), found
    assert os.listdir(tmp_path) == [f"{PREFIX}running"]


def test_the_file_ends_early_where_writing_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_speed, "_PART_S", 1e-6)
    monkeypatch.setattr(disk_speed, "_PIECE", 4096)
    assert 0 < int(measure(str(tmp_path), SMALL)["bytes"] or 0) < SMALL


@needs_mount
def test_models_on_another_disk_are_where_it_is_measured(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=2g", "none", at=tmp_path / "models"):
        assert measure(str(tmp_path), SMALL)["folder"] == str(tmp_path / "models")
    with mounted("-t", "tmpfs", "-o", "size=1m", "none", at=tmp_path / "models"):
        assert measure(str(tmp_path), SMALL) == {"folder": str(tmp_path / "models"), "error": "ENOSPC"}
    with mounted("-t", "tmpfs", "-o", "ro,size=2g", "none", at=tmp_path / "models"):
        assert measure(str(tmp_path), SMALL)["error"] == "EROFS"


@needs_fuse
def test_a_volume_that_hangs_ends_the_measurement_at_its_deadline(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with misbehaving(build_passthrough(tmp_path), tmp_path / "disk", tmp_path / "volume") as volume:
        assert int(measure(str(volume.folder), SMALL)["read"] or 0) > 0
        volume.set(Misbehaving.HANG, 1)
        began = time.monotonic()
        assert measure(str(volume.folder), SMALL, timeout_s=0.5) == {"error": "HUNG"}
        assert time.monotonic() - began < 10
