"""A: the changes that a rule asks for, applied to an open folder and the files in it.

Safe against a concurrent attacker who renames and links: a wrong file is pinned, examined again and changed
through its descriptor (syscalls.py). A folder that only root or this user can write to cannot be raced: there a
file takes two system calls instead of five, and the folder itself is opened after its files.
"""

import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass

from entrypoint.settings.volume_policy import GROUP, OWNER
from entrypoint.system.files import read_text
from entrypoint.volumes.counts import Counts
from entrypoint.volumes.rules import Change, Rule, file_mode_table, is_private, is_top, needed_change, reason_to_leave
from entrypoint.volumes.syscalls import PIN, Kernel

Entries = list["os.DirEntry[str]"]
Note = Callable[[str, OSError, str, Counts], None]


@dataclass(slots=True, eq=False)
class Folder:
    """An open folder, shared by the tasks that still need it; closed with the last of them."""

    descriptor: int
    path: str
    level: int
    users: int = 1
    private: bool = False
    at_end: Change | None = None


class RuleApplier:
    """Applies one rule. `mounts_below`: the tree contains mounts, perhaps over a single file."""

    def __init__(self, rule: Rule, kernel: Kernel, note: Note, mounts_below: bool, links_are_safe: bool) -> None:
        self._rule, self._kernel, self.note = rule, kernel, note
        self._mounts_below, self._links_are_safe = mounts_below, links_are_safe
        self._direct = kernel.fchmodat2 and not mounts_below
        self._trusted = (0, os.geteuid())
        self._wants = file_mode_table(rule.policy)
        self._uid = rule.uid if rule.policy == OWNER else None
        self._gid = rule.gid if rule.policy in (OWNER, GROUP) else None

    def apply_to_folder(self, folder: Folder, counts: Counts) -> None:
        """Change the folder now, or (`folder.at_end`) after its files where no other user can write to it."""
        stat = os.fstat(folder.descriptor)
        name = folder.path.rpartition("/")[2]
        change = needed_change(self._rule, stat, is_top(folder.level, name))
        folder.private = self._direct and stat.st_uid in self._trusted and not stat.st_mode & 0o022
        if change is None:
            return
        if folder.private:
            folder.at_end = change
        else:
            self.change_folder(folder, change, counts)

    def change_folder(self, folder: Folder, change: Change, counts: Counts) -> None:
        """Change the owner and mode of an open folder."""
        tried = "chown"
        try:
            if change.owner:
                os.fchown(folder.descriptor, change.uid, change.gid)
                counts.owners += 1
            tried = "chmod"
            if change.mode is not None:
                os.fchmod(folder.descriptor, change.mode)
                counts.modes += 1
        except OSError as problem:
            self.note(tried, problem, folder.path, counts)

    def apply_to_files(self, folder: Folder, entries: Entries, counts: Counts) -> None:
        """Examine regular files and change the wrong ones. The loop is the pass's hot path: 5 us a file."""
        wants, uid, gid = self._wants.get, self._uid, self._gid
        change_mode = self._kernel.change_mode_at if folder.private else None
        for entry in entries:
            try:
                stat = entry.stat(follow_symlinks=False)
                mode = stat.st_mode
                if gid is None or (stat.st_gid == gid and (uid is None or stat.st_uid == uid)):
                    wanted = wants(mode)
                    if wanted == mode:
                        continue
                    if change_mode and wanted and stat.st_nlink == 1 and not is_private(entry.name):
                        if change_mode(folder.descriptor, entry.name, wanted & 0o7777):
                            counts.modes += 1
                            continue
                        folder.private = False  # another user can write after all: the file is a link by now
                self._apply(folder, entry.name, stat, counts)
            except OSError as problem:
                self.note("chmod", problem, f"{folder.path}/{entry.name}", counts)
        counts.files += len(entries)

    def _apply(self, folder: Folder, name: str, stat: os.stat_result, counts: Counts) -> None:
        if folder.private:
            self._apply_to(folder, name, -1, stat, counts)
            return
        if self._mounts_below:
            pinned = self._kernel.pin(folder.descriptor, name)
        else:
            pinned = os.open(name, PIN, dir_fd=folder.descriptor)
        try:
            # The name may belong to another inode by now: decide on the pinned inode alone.
            self._apply_to(folder, name, pinned, os.fstat(pinned), counts)
        finally:
            os.close(pinned)

    def _apply_to(self, folder: Folder, name: str, pinned: int, stat: os.stat_result, counts: Counts) -> None:
        """Change the inode `pinned` holds, or (-1) `name` in a folder no other user can write to."""
        if not modes.S_ISREG(stat.st_mode):
            counts.swapped += 1
            return
        reason = reason_to_leave(self._rule, stat, name, self._links_are_safe)
        if reason:
            counts.add_left(reason)
            return
        change = needed_change(self._rule, stat)
        if change is None:
            return
        tried = "chown"
        try:
            if change.owner:
                if pinned < 0:
                    os.chown(name, change.uid, change.gid, dir_fd=folder.descriptor, follow_symlinks=False)
                else:
                    self._kernel.change_owner(pinned, change.uid, change.gid)
                counts.owners += 1
            tried = "chmod"
            if change.mode is not None:
                if pinned < 0:
                    if not self._kernel.change_mode_at(folder.descriptor, name, change.mode):
                        counts.swapped += 1
                        return
                else:
                    self._kernel.change_mode(pinned, change.mode)
                counts.modes += 1
        except OSError as problem:
            self.note(tried, problem, f"{folder.path}/{name}", counts)


def links_are_protected() -> bool:
    """Return the sysctl fs.protected_hardlinks."""
    return (read_text("/proc/sys/fs/protected_hardlinks") or "").strip() == "1"
