"""A: the deep pass: walks a tree, changes what the rule asks for, and never leaves the tree.

Folders are opened relative to their parents' descriptors, never through a link or into another mount.
"""

import os
import resource
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from entrypoint.settings.volume_policy import TOP
from entrypoint.system.folders import open_data_folder
from entrypoint.system.mounts import has_mounts_below
from entrypoint.volumes.apply_rule import Entries, Folder, RuleApplier, links_are_protected
from entrypoint.volumes.counts import Counts, Errors, sum_counts
from entrypoint.volumes.pool_size import MAX_THREADS, PoolSize
from entrypoint.volumes.rules import Rule, is_entered, is_top, needed_change
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.worker_pool import WorkerPool

_BATCH, _PARALLEL_BATCH = 64, 16  # entries a worker takes at once: alone, in parallel
_SPARE_DESCRIPTORS = 40  # beyond the folders held open: pinned files, libraries, pipes


@dataclass(slots=True, eq=False)
class Task:
    """A folder to enter (`name` in `parent`), or some `entries` of `parent` to examine."""

    parent: Folder
    name: str
    entries: Entries | None = None


class Walk:
    """One pass of one rule. `stop` may be set from a signal handler or another thread at any moment."""

    def __init__(
        self,
        rule: Rule,
        kernel: Kernel,
        stop: threading.Event,
        max_threads: int = MAX_THREADS,
        links_are_safe: bool | None = None,
    ) -> None:
        self.rule = rule
        self.errors = Errors()
        self._kernel = kernel
        self._stop = stop
        descriptors = _descriptors()
        max_threads = max(1, min(max_threads, descriptors // 8))
        self._all_counts = [Counts() for _ in range(max_threads)]
        self._pool: WorkerPool[Task] = WorkerPool(self._run_task, PoolSize(max_threads), max_threads, stop)
        self._lock = threading.Lock()
        safe = links_are_protected() if links_are_safe is None else links_are_safe
        self._applier = RuleApplier(rule, kernel, self._note, has_mounts_below(rule.path), safe)
        self._open = 0
        self._max_open = descriptors - _SPARE_DESCRIPTORS
        self._top = -1

    def run(self, tick: Callable[[], None] = lambda: None) -> Counts:
        """Walk until done, stopped or given up (`errors.tripped`). Raises OSError if the top cannot be opened."""
        self._top = open_data_folder(self.rule.path, follow=self.rule.follow)
        try:
            top = Folder(os.dup(self._top), "", 0)
            self._open = 1
            for task in self._pool.run([Task(top, "")], tick):
                self._release(task.parent, Counts(), give_up=True)
        finally:
            os.close(self._top)
        return self.counts()

    def counts(self) -> Counts:
        """Return the counts of all workers so far."""
        return sum_counts(self._all_counts)

    @property
    def parallel(self) -> bool:
        return self._pool.parallel

    def _run_task(self, task: Task, number: int) -> None:
        counts = self._all_counts[number]
        if task.entries is not None:
            self._applier.apply_to_files(task.parent, task.entries, counts)
            self._release(task.parent, counts)
        elif not task.name:
            self._visit(task.parent, counts)
        else:
            folder = self._enter(task.parent, task.name, counts)
            self._release(task.parent, counts)
            if folder is not None:
                self._visit(folder, counts)

    def _enter(self, parent: Folder, name: str, counts: Counts) -> Folder | None:
        path = f"{parent.path}/{name}"
        reopened = -1
        try:
            if parent.descriptor < 0:
                reopened = self._reopen(parent.path)
            at = reopened if reopened >= 0 else parent.descriptor
            descriptor = self._open_folder(at, name, parent.level + 1, counts)
        except OSError as problem:
            self._note("open", problem, path, counts)
            return None
        finally:
            if reopened >= 0:
                os.close(reopened)
        with self._lock:
            self._open += 1
        return Folder(descriptor, path, parent.level + 1)

    def _open_folder(self, parent: int, name: str, level: int, counts: Counts) -> int:
        try:
            return self._kernel.open_folder(parent, name)
        except PermissionError:
            # Without CAP_DAC_OVERRIDE the owner of a folder of mode 0 must open it before listing it.
            pinned = self._kernel.pin(parent, name)
            try:
                change = needed_change(self.rule, os.fstat(pinned), is_top(level, name))
                if change is None or change.mode is None:
                    raise
                self._kernel.change_mode(pinned, change.mode)
                counts.modes += 1
            finally:
                os.close(pinned)
            return self._kernel.open_folder(parent, name)

    def _reopen(self, path: str) -> int:
        """Open a folder again that was closed for lack of descriptors, step by step from the top."""
        descriptor = os.dup(self._top)
        for name in path.split("/")[1:]:
            try:
                below = self._kernel.open_folder(descriptor, name)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor

    def _visit(self, folder: Folder, counts: Counts) -> None:
        counts.folders += 1
        subfolders: list[str] = []
        try:
            self._applier.apply_to_folder(folder, counts)
            self._list(folder, subfolders, counts)
        except OSError as problem:  # the subfolders listed so far are entered all the same
            self._note("read", problem, folder.path, counts)
        if subfolders and not self._stop.is_set():
            parent = self._parent_of_tasks(folder, len(subfolders))
            self._pool.push([Task(parent, name) for name in subfolders])
        self._release(folder, counts)

    def _parent_of_tasks(self, folder: Folder, tasks: int) -> Folder:
        """The folder that the tasks below refer to: itself, or one to be reopened when too many are open."""
        if self._open > self._max_open:
            return Folder(-1, folder.path, folder.level)
        with self._lock:
            folder.users += tasks
        return folder

    def _list(self, folder: Folder, subfolders: list[str], counts: Counts) -> None:
        """Apply the rule to the files (here, or as tasks when parallel) and collect the folders."""
        depth = self.rule.depth
        enter = depth is None or folder.level < depth
        files = self.rule.policy != TOP
        with os.scandir(folder.descriptor) as entries:
            while batch := list(islice(entries, _PARALLEL_BATCH if self._pool.parallel else _BATCH)):
                if self._stop.is_set():
                    break
                regular = []
                for entry in batch:
                    if entry.is_dir(follow_symlinks=False):
                        if enter and is_entered(entry.name):
                            subfolders.append(entry.name)
                    elif files and entry.is_file(follow_symlinks=False):
                        regular.append(entry)
                if regular and enter:
                    self._apply_to_files(folder, regular, counts)

    def _apply_to_files(self, folder: Folder, entries: Entries, counts: Counts) -> None:
        if not self._pool.parallel:
            self._applier.apply_to_files(folder, entries, counts)
            return
        with self._lock:
            folder.users += 1
        self._pool.push([Task(folder, "", entries)])

    def _release(self, folder: Folder, counts: Counts, give_up: bool = False) -> None:
        if folder.descriptor < 0:
            return
        with self._lock:
            folder.users -= 1
            if folder.users:
                return
            self._open -= 1
        if folder.at_end is not None and not give_up and not self._stop.is_set():
            self._applier.change_folder(folder, folder.at_end, counts)
        os.close(folder.descriptor)

    def _note(self, tried: str, problem: OSError, path: str, counts: Counts) -> None:
        self.errors.add(tried, problem, path, counts, lambda: sum(each.changed for each in self._all_counts))
        if self.errors.tripped:
            self._stop.set()


def _descriptors() -> int:
    """Raise the limit of open files to its hard limit (65,536 at most) and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return 65536 if soft == resource.RLIM_INFINITY else soft
