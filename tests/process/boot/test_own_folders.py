"""The folders of root's own: what another user has left in the log folder is no log."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from entrypoint.boot.own_folders import close_log_folder
from entrypoint.system.folders import open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
OTHER = 54321


@pytest.mark.parametrize("kind", ["link", "hard link", "fifo", "folder", "theirs"])
def test_what_is_no_log_of_roots_is_removed_from_the_log_folder(kind: str, tmp_path: Path) -> None:
    """S4 of the audit: supervisord, the status server and the bundle open logs by their names."""
    logs, victim = tmp_path / "log", tmp_path / "victim"
    logs.mkdir()
    logs.chmod(0o1777)
    victim.write_text("only root may read this")
    (logs / "comfyui.log").write_text("a log of root's own")
    (logs / "of-another-program.log").symlink_to(victim)
    for name in ("jupyter.log", "jupyter.log.1"):
        planted = logs / name
        if kind == "link":
            planted.symlink_to(victim)
        elif kind == "hard link":
            os.link(victim, planted)
        elif kind == "fifo":
            os.mkfifo(planted)
        elif kind == "folder":
            planted.mkdir()
            (planted / "deep").symlink_to(tmp_path)
        else:
            planted.touch()
            os.chown(planted, OTHER, OTHER)
    close_log_folder(str(logs))
    assert sorted(path.name for path in logs.iterdir()) == ["comfyui.log", "of-another-program.log"]
    assert stat.S_IMODE(logs.stat().st_mode) == 0o755
    assert victim.read_text() == "only root may read this"


@pytest.mark.parametrize(("mode", "owner", "follows"), [(0o755, 0, True), (0o777, 0, False), (0o755, OTHER, False)])
def test_only_a_link_of_roots_own_folder_leads_on(mode: int, owner: int, follows: bool, tmp_path: Path) -> None:
    (tmp_path / "target/below").mkdir(parents=True)
    above = tmp_path / "above"
    above.mkdir()
    (above / "link").symlink_to(tmp_path / "target")
    above.chmod(mode)
    os.chown(above, owner, owner)
    if follows:
        opened = open_folder(f"{above}/link/below")
        assert os.path.samestat(os.fstat(opened.descriptor), (tmp_path / "target/below").stat())
        os.close(opened.descriptor)
    else:
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            open_folder(f"{above}/link/below")


def test_missing_folders_are_made_but_never_through_a_link(tmp_path: Path) -> None:
    os.close(open_folder(f"{tmp_path}/one/two", make=0o750).descriptor)
    assert stat.S_IMODE((tmp_path / "one/two").stat().st_mode) == 0o750
    (tmp_path / "one").chmod(0o777)
    (tmp_path / "victim").mkdir()
    (tmp_path / "one/link").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        open_folder(f"{tmp_path}/one/link/three", make=0o755)
    assert not list((tmp_path / "victim").iterdir())


def test_a_folder_below_another_users_is_not_roots_to_give_away(tmp_path: Path) -> None:
    """Its owner can put a folder of root's there by renaming."""
    (tmp_path / "theirs/roots").mkdir(parents=True)
    os.chown(tmp_path / "theirs", OTHER, OTHER)
    opened = open_folder(f"{tmp_path}/theirs/roots")
    assert not opened.ours
    os.close(opened.descriptor)
