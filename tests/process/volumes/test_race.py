"""An attacker swaps entries of the tree for links while root walks it.

The negative control is the usual walk (os.walk and os.chmod): it must be tricked, else the attack is none.
"""

import contextlib
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from entrypoint.settings.volume_policy import OWNER, SHARED
from entrypoint.volumes.rules import Rule
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.walk import Walk
from tests.support.file_systems import LONG

SECONDS = 60.0 if LONG else 4.0


def naive_pass(top: Path) -> None:
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                with contextlib.suppress(OSError):
                    os.chmod(path, os.stat(path).st_mode | 0o666)  # noqa: S103 - the negative control


class Arena:
    """A tree, a victim outside of it, and a thread that swaps a folder and a file for links to the victim."""

    def __init__(self, tmp_path: Path, private: bool) -> None:
        self.outside = tmp_path / "outside"
        self.outside.mkdir(mode=0o700)
        self.victim = self.outside / "file"
        self.victim.write_text("secret")
        self.victim.chmod(0o600)
        self.top = tmp_path / "volume"
        self.top.mkdir()
        for number in range(20):
            (self.top / f"folder{number}").mkdir()
            (self.top / f"folder{number}" / "file").write_text("")
        (self.top / "link-to-folder").symlink_to(self.outside)
        (self.top / "link-to-file").symlink_to(self.victim)
        self._bits = 0o755 if private else 0o777
        self._stop = threading.Event()
        self._swapper = threading.Thread(target=self._swap)

    def __enter__(self) -> "Arena":
        self._swapper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._swapper.join()

    def _swap(self) -> None:
        """rename(2) with RENAME_EXCHANGE would be one call; two renames leave a gap, which is part of the attack."""
        top, number = str(self.top), 0
        while not self._stop.is_set():
            number = (number + 1) % 20
            self._exchange(f"{top}/folder{number}", f"{top}/link-to-folder", f"{top}/spare")
            self._exchange(f"{top}/folder{number}/file", f"{top}/link-to-file", f"{top}/spare-file")

    def _exchange(self, real: str, link: str, spare: str) -> None:
        with contextlib.suppress(OSError):
            os.rename(real, spare)
            os.rename(link, real)
            os.rename(real, link)
            os.rename(spare, real)

    def spoil(self) -> None:
        """Make modes wrong again, so that every pass has something to change."""
        top = str(self.top)
        with contextlib.suppress(OSError):
            os.chmod(top, self._bits)
        for number in range(20):
            for path, bits in ((f"{top}/folder{number}", self._bits), (f"{top}/folder{number}/file", 0o600)):
                with contextlib.suppress(OSError):
                    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                    # a file reached through a swapped folder is the victim: leave that one alone
                    if os.fstat(descriptor).st_ino not in self.untouchable:
                        os.fchmod(descriptor, bits)
                    os.close(descriptor)

    @property
    def untouchable(self) -> set[int]:
        return {os.lstat(self.victim).st_ino, os.lstat(self.outside).st_ino}

    def victims(self) -> list[tuple[int, int, int, int]]:
        return [
            (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_ctime_ns)
            for found in (os.lstat(self.victim), os.lstat(self.outside))
        ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("private", "switches"),
    [(False, (True, True)), (True, (True, True)), (False, (False, False))],
    ids=["pinned", "private", "old kernel"],
)
def test_nothing_outside_is_ever_changed(tmp_path: Path, private: bool, switches: tuple[bool, bool]) -> None:
    arena = Arena(tmp_path, private)
    before = arena.victims()
    changed = passes = 0
    policy = (OWNER, 4242, 4242) if os.geteuid() == 0 else (SHARED, 0, 0)
    with arena:
        deadline = time.monotonic() + SECONDS / 3 if not LONG else time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            arena.spoil()
            rule = Rule(str(arena.top), *(policy if passes % 5 == 4 else (SHARED, 0, 0)))
            walk = Walk(rule, Kernel(*switches), threading.Event())
            walk.run()
            changed += walk.counts().changed
            passes += 1
            assert arena.victims() == before
    assert changed > passes, "the passes changed files"


class Treacherous(Kernel):
    """Root itself swaps the file for a link, just before the change."""

    def __init__(self, victim: Path) -> None:
        super().__init__()
        self._victim = victim

    def change_mode_at(self, parent: int, name: str, mode: int) -> bool:
        os.rename(name, name + ".away", src_dir_fd=parent, dst_dir_fd=parent)
        os.symlink(self._victim, name, dir_fd=parent)
        return super().change_mode_at(parent, name, mode)


@pytest.mark.skipif(not Kernel().fchmodat2, reason="needs Linux 6.6")
def test_the_fast_path_in_private_folders_follows_no_link(tmp_path: Path) -> None:
    """Only root (or this user) can swap a file there; even then nothing outside changes."""
    victim = tmp_path / "victim"
    victim.write_text("")
    victim.chmod(0o600)
    (tmp_path / "volume").mkdir(mode=0o755)
    (tmp_path / "volume" / "file").write_text("")
    (tmp_path / "volume" / "file").chmod(0o644)
    walk = Walk(Rule(str(tmp_path / "volume"), SHARED, 0, 0), Treacherous(victim), threading.Event())
    walk.run()
    assert (tmp_path / "volume" / "file").is_symlink(), "the swap happened"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600
    assert (walk.counts().swapped, walk.errors.counts) == (1, {})


def test_a_file_swapped_before_the_pin_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder any user can write to, swapped between the stat and the pin."""
    victim = tmp_path / "victim"
    victim.write_text("")
    victim.chmod(0o600)
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume").chmod(0o777)
    (tmp_path / "volume" / "file").write_text("")
    (tmp_path / "volume" / "file").chmod(0o644)
    real_open, swapped = os.open, threading.Event()

    def open_after_a_swap(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "file" and not swapped.is_set():
            swapped.set()
            os.rename("file", "away", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            os.symlink(victim, "file", dir_fd=dir_fd)
        return real_open(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_after_a_swap)
    walk = Walk(Rule(str(tmp_path / "volume"), SHARED, 0, 0), Kernel(), threading.Event())
    walk.run()
    assert swapped.is_set()
    assert stat.S_IMODE(victim.stat().st_mode) == 0o600
    assert (walk.counts().swapped, walk.errors.counts) == (1, {})


@pytest.mark.timeout(300)
def test_the_usual_walk_is_tricked(tmp_path: Path) -> None:
    """The attack is real: os.walk with os.chmod changes the victim."""
    arena = Arena(tmp_path, private=False)
    with arena:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and stat.S_IMODE(os.lstat(arena.victim).st_mode) == 0o600:
            naive_pass(arena.top)
    assert stat.S_IMODE(os.lstat(arena.victim).st_mode) != 0o600
