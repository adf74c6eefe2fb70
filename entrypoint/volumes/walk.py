"""A: the deep pass: goes through a tree, has what is wrong changed, and never leaves the tree.

Folders are opened relative to their parents' descriptors, never through a link or into another mount.
"""

import os
import resource
import threading
from collections.abc import Callable
from itertools import islice

from entrypoint.settings.volume_policy import TOP
from entrypoint.system.mounts import has_mounts_below
from entrypoint.volumes.apply_rule import Entries, Folder, Mender, links_are_protected
from entrypoint.volumes.counts import Tally, Troubles, add_up
from entrypoint.volumes.pool_size import MOST_THREADS, Pace
from entrypoint.volumes.rules import Rule, is_entered, is_top, needed_change
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.worker_pool import Crew

_SLAB, _WIDE_SLAB = 64, 16  # entries a worker takes at once: alone, in company
_SPARE_DESCRIPTORS = 40  # beyond the folders held open: pinned files, libraries, pipes


class Task:
    """A folder to enter (`name` in `parent`), or some `entries` of `parent` to look at."""

    __slots__ = ("entries", "name", "parent")

    def __init__(self, parent: Folder, name: str, entries: Entries | None = None) -> None:
        self.parent = parent
        self.name = name
        self.entries = entries


class Walk:
    """One pass of one rule. `stop` may be set from a signal handler or another thread at any moment."""

    def __init__(
        self,
        rule: Rule,
        kernel: Kernel,
        stop: threading.Event,
        most_threads: int = MOST_THREADS,
        links_are_safe: bool | None = None,
    ) -> None:
        self.rule = rule
        self.troubles = Troubles()
        self._kernel = kernel
        self._stop = stop
        descriptors = _descriptors()
        most_threads = max(1, min(most_threads, descriptors // 8))
        self._tallies = [Tally() for _ in range(most_threads)]
        self._crew: Crew[Task] = Crew(self._work, Pace(most_threads), most_threads, stop)
        self._lock = threading.Lock()
        self._mender = Mender(
            rule,
            kernel,
            self._note,
            has_mounts_below(rule.path),
            links_are_protected() if links_are_safe is None else links_are_safe,
        )
        self._open = 0
        self._most_open = descriptors - _SPARE_DESCRIPTORS
        self._top = -1

    def run(self, tick: Callable[[], None] = lambda: None) -> Tally:
        """Until done, stopped or given up (`troubles.tripped`). OSError if the top cannot be opened."""
        self._top = os.open(self.rule.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            top = Folder(os.dup(self._top), "", 0)
            self._open = 1
            for task in self._crew.run([Task(top, "")], tick):
                self._release(task.parent, Tally(), give_up=True)
        finally:
            os.close(self._top)
        return self.tally()

    def tally(self) -> Tally:
        return add_up(self._tallies)

    @property
    def wide(self) -> bool:
        return self._crew.wide

    # -- tasks

    def _work(self, task: Task, number: int) -> None:
        tally = self._tallies[number]
        if task.entries is not None:
            self._mender.check(task.parent, task.entries, tally)
            self._release(task.parent, tally)
        elif not task.name:
            self._visit(task.parent, tally)
        else:
            folder = self._enter(task.parent, task.name, tally)
            self._release(task.parent, tally)
            if folder is not None:
                self._visit(folder, tally)

    def _enter(self, parent: Folder, name: str, tally: Tally) -> Folder | None:
        path = f"{parent.path}/{name}"
        reopened = -1
        try:
            if parent.descriptor < 0:
                reopened = self._reopen(parent.path)
            at = reopened if reopened >= 0 else parent.descriptor
            descriptor = self._open_folder(at, name, parent.level + 1, tally)
        except OSError as problem:
            self._note("open", problem, path, tally)
            return None
        finally:
            if reopened >= 0:
                os.close(reopened)
        with self._lock:
            self._open += 1
        return Folder(descriptor, path, parent.level + 1)

    def _open_folder(self, parent: int, name: str, level: int, tally: Tally) -> int:
        try:
            return self._kernel.open_folder(parent, name)
        except PermissionError:
            # Without CAP_DAC_OVERRIDE the owner of a folder of mode 0 must open it up before looking into it.
            pinned = self._kernel.pin(parent, name)
            try:
                change = needed_change(self.rule, os.fstat(pinned), is_top(level, name))
                if change is None or change.mode is None:
                    raise
                self._kernel.change_mode(pinned, change.mode)
                tally.modes += 1
            finally:
                os.close(pinned)
            return self._kernel.open_folder(parent, name)

    def _reopen(self, path: str) -> int:
        """A folder that was closed for want of descriptors, step by step from the top."""
        descriptor = os.dup(self._top)
        for name in path.split("/")[1:]:
            try:
                below = self._kernel.open_folder(descriptor, name)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor

    def _visit(self, folder: Folder, tally: Tally) -> None:
        tally.folders += 1
        subfolders: list[str] = []
        try:
            self._mender.change_folder(folder, tally)
            self._list(folder, subfolders, tally)
        except OSError as problem:  # what was listed before is gone into all the same
            self._note("read", problem, folder.path, tally)
        if subfolders and not self._stop.is_set():
            parent = self._parked(folder, len(subfolders))
            self._crew.push([Task(parent, name) for name in subfolders])
        self._release(folder, tally)

    def _parked(self, folder: Folder, tasks: int) -> Folder:
        """The folder the tasks below it refer to: itself, or one to be reopened when too many are open."""
        if self._open > self._most_open:
            return Folder(-1, folder.path, folder.level)
        with self._lock:
            folder.users += tasks
        return folder

    def _list(self, folder: Folder, subfolders: list[str], tally: Tally) -> None:
        """Has the files checked (by this worker alone, by the others in company), collects the folders."""
        depth = self.rule.depth
        enter = depth is None or folder.level < depth
        files = self.rule.policy != TOP
        with os.scandir(folder.descriptor) as entries:
            while slab := list(islice(entries, _WIDE_SLAB if self._crew.wide else _SLAB)):
                if self._stop.is_set():
                    break
                regular = []
                for entry in slab:
                    if entry.is_dir(follow_symlinks=False):
                        if enter and is_entered(entry.name):
                            subfolders.append(entry.name)
                    elif files and entry.is_file(follow_symlinks=False):
                        regular.append(entry)
                if regular and enter:
                    self._hand_out(folder, regular, tally)

    def _hand_out(self, folder: Folder, entries: Entries, tally: Tally) -> None:
        if not self._crew.wide:
            self._mender.check(folder, entries, tally)
            return
        with self._lock:
            folder.users += 1
        self._crew.push([Task(folder, "", entries)])

    def _release(self, folder: Folder, tally: Tally, give_up: bool = False) -> None:
        if folder.descriptor < 0:
            return
        with self._lock:
            folder.users -= 1
            if folder.users:
                return
            self._open -= 1
        if folder.at_end is not None and not give_up and not self._stop.is_set():
            self._mender.apply_to_folder(folder, folder.at_end, tally)
        os.close(folder.descriptor)

    def _note(self, tried: str, problem: OSError, path: str, tally: Tally) -> None:
        self.troubles.note(tried, problem, path, tally, self._changed)
        if self.troubles.tripped:
            self._stop.set()

    def _changed(self) -> int:
        return sum(tally.changed for tally in self._tallies)


def _descriptors() -> int:
    """How many this process may open, after asking for as many as it may ask for (65,536 at most)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return 65536 if soft == resource.RLIM_INFINITY else soft
