"""A full or read-only volume while packages are kept or a node is installed: a clear line, and nothing half there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoint.nodes import commands
from entrypoint.packages.distributions import key_of
from entrypoint.packages.local_state import read_state
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.record import installed
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.snapshot import take
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from tests.support.file_systems import mounted, needs_mount
from tests.support.node_repositories import new_repository
from tests.support.package_environment import install, make_environment, write_wheel

pytestmark = needs_mount


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A volume of 1 MB."""
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", at=tmp_path / "volume") as volume:
        yield volume


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    made = Overlay(str(tmp_path / "packages/env"), str(make_environment(tmp_path / "image")))
    with locked(made):
        assert restore(made, Store(str(tmp_path / "none"), key_of(made.image), "pod"), {}) == {}
    return made


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "little", "1.0")
    write_wheel(folder, "large", "1.0", files={"large/data.bin": os.urandom(2 << 20).hex()})
    return folder


def test_a_full_volume_costs_the_package_that_does_not_fit_alone(overlay: Overlay, wheels: Path, small: Path) -> None:
    kept = Store(str(small / "packages"), key_of(overlay.image), "pod")
    assert install(overlay.python, wheels, "little", "large").returncode == 0
    found = take(overlay, kept, kept.record(), read_state(overlay).had)
    assert set(found.failed) == {"large"}
    assert "No space left" in found.failed["large"]
    kept.write_record(found.record)
    assert set(installed(kept.record())) == {"little"}
    assert [name for name in os.listdir(kept.archives) if name.endswith(".part")] == []
    with locked(overlay):
        assert restore(overlay, kept, kept.record()) == {}


def test_a_read_only_volume_keeps_what_it_has(overlay: Overlay, wheels: Path, small: Path) -> None:
    kept = Store(str(small / "packages"), key_of(overlay.image), "pod")
    assert install(overlay.python, wheels, "little").returncode == 0
    kept.write_record(take(overlay, kept, {}, ()).record)
    with mounted("--bind", "-o", "ro", str(small), at=small):
        assert install(overlay.python, wheels, "large").returncode == 0
        found = take(overlay, kept, kept.record(), ())
        assert "Read-only" in found.failed["large"]
        with pytest.raises(OSError, match="Read-only"):
            kept.write_record({})
        assert kept.collect_garbage(now=4e9) == []
    assert set(installed(kept.record())) == {"little"}


@pytest.mark.parametrize(("options", "words"), [("size=200k", "the volume is full"), ("ro", "Read-only")])
def test_a_node_for_which_there_is_no_room_leaves_nothing(
    tmp_path: Path, options: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = locate(Settings(home=str(tmp_path / "pod")), Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=""))
    source = new_repository(tmp_path / "Large", {"__init__.py": os.urandom(1 << 20).hex()})
    with mounted("-t", "tmpfs", "-o", options, "tmpfs", at=Path(paths.data)):
        assert commands.install(paths, str(source)) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
        folder = Path(paths.data) / "custom_nodes"
        assert not folder.exists() or os.listdir(folder) == []
