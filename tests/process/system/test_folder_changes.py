"""A program hears of a change of a folder at once, by any process, and goes on without where it cannot.

In processes of their own: SIGIO ends one that neither blocks nor handles it, in every thread.
"""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.system.files import write_atomically
from entrypoint.system.folder_changes import notice
from tests.support.checkout import ROOT

WATCHES = """
import os, signal, sys
from entrypoint.system.folder_changes import notice
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
descriptor = notice(sys.argv[1])
print(descriptor is not None, flush=True)
for line in sys.stdin:
    if line == "close\\n":
        os.close(descriptor)
    print(signal.sigtimedwait([signal.SIGIO], 0 if line == "close\\n" else float(line)) is not None, flush=True)
"""
FOLLOWS = """
import asyncio, sys, time
from pathlib import Path
from entrypoint.system.folder_changes import FolderChanges

async def follow(folder):
    changes = FolderChanges(str(folder))
    mark = changes.mark()
    await changes.wait(mark, 0.05)
    assert not mark.is_set(), "the period ended it"
    (folder / "a").write_text("a")
    await asyncio.sleep(0)
    await changes.wait(mark, 30)
    assert mark.is_set(), "the change came between the look and the wait"
    mark = changes.mark()
    waiters = [asyncio.create_task(changes.wait(mark, 30)) for _ in range(3)]
    process = await asyncio.create_subprocess_exec("touch", str(folder / "b"))
    await asyncio.gather(process.wait(), *waiters)
    assert mark.is_set(), "another process made it"

async def elsewhere(folder):
    changes = FolderChanges(str(folder))
    await changes.wait(changes.mark(), 0.01)
    (folder / "c").write_text("c")
    print("all")

asyncio.run(follow(Path(sys.argv[1])))
asyncio.run(asyncio.to_thread(asyncio.run, elsewhere(Path(sys.argv[2]))))
"""


class Watcher:
    """A process that watches a folder."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-c", WATCHES, str(folder)]
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._said() == "True"

    def heard(self, seconds: float | str = 10.0) -> bool:
        assert self.process.stdin
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self._said() == "True"

    def _said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def test_each_way_in_which_a_file_comes_or_goes_is_heard(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    watcher = Watcher(folder)
    assert not watcher.heard(0)
    for words in (("touch", folder / "a"), ("touch", folder / "b"), ("mv", folder / "a", folder / "b"),
                  ("rm", folder / "b")):  # fmt: skip
        subprocess.run(list(map(str, words)), check=True)
        assert watcher.heard(), words
        while watcher.heard(0):
            pass
    write_atomically(f"{folder}/c", "c")
    assert watcher.heard()
    while watcher.heard(0):
        pass
    (other / "d").write_text("d")
    assert not watcher.heard(0.2), "another folder"
    os.rename(other / "d", folder / "d")
    assert watcher.heard()
    watcher.heard("close")
    (folder / "e").write_text("e")
    assert not watcher.heard(0.2), "it was closed"
    watcher.process.communicate(timeout=30)
    assert watcher.process.returncode == 0


def test_a_folder_that_is_not_there_and_a_kernel_that_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "no dnotify")

    assert notice(str(tmp_path / "none")) is None
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    before = sorted(os.listdir("/proc/self/fd"))
    assert notice(str(tmp_path)) is None
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_an_event_loop_wakes_at_once_and_misses_nothing(tmp_path: Path) -> None:
    """In a thread that is not the main one the periods remain."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    words = [sys.executable, "-c", FOLLOWS, str(tmp_path / "first"), str(tmp_path / "second")]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "all\n"), ended.stderr
