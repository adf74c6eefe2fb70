"""A: where the files end up: what is there already, receipts, and the move into place.

A receipt says what was verified; while size and mtime are the same, a boot only looks. Nothing that somebody
else put at a destination is ever overwritten: it is set aside beside it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from dataclasses import dataclass

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.download.part_file import disk_work
from entrypoint.system.files import read_text, sync_folder, write_atomically

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Shelf:
    """The places.

    Attributes:
        data: ComfyUI's data folder.
        kept: Our own folder on the volume (`<stored>/.podkeeper`): staging and receipts.
        owner: (uid, gid) of the models, where root fetches for somebody else (RUN_AS); None: whoever fetches.
    """

    data: str
    kept: str
    owner: tuple[int, int] | None = None

    def target(self, file: File) -> str:
        below = "models/" if file.dest_root == "models" else ""
        return f"{self.data}/{below}{file.dest}"

    def staging(self, file: File) -> str:
        """The folder of one file while it arrives."""
        return f"{self.kept}/staging/{self._key(file)}"

    def staged(self, file: File) -> int:
        """Bytes of the disk that an unfinished part of it holds already."""
        folder = self.staging(file)
        try:
            parts = [name for name in os.listdir(folder) if name.startswith("part.")]
            return sum(os.stat(f"{folder}/{name}").st_blocks * 512 for name in parts)
        except OSError:
            return 0

    def receipt(self, file: File) -> dict[str, object]:
        """What was verified of the file at the destination, or {} where that is not (or no more) the case."""
        try:
            found = json.loads(read_text(self._receipt_path(file)) or "{}")
            status = os.stat(self.target(file))
        except (OSError, ValueError):
            return {}
        same = isinstance(found, dict) and (found.get("size"), found.get("mtime_ns")) == (
            status.st_size, status.st_mtime_ns,
        )  # fmt: skip
        if not same or (file.sha256 and found.get("sha256") != file.sha256):
            return {}
        return dict(found)

    def write_receipt(self, file: File, sha256: str, verified: bool, *, fetched: bool) -> None:
        with disk_work(f"write a receipt to {self.kept}"):
            status = os.stat(self.target(file))
            os.makedirs(f"{self.kept}/receipts", mode=0o700, exist_ok=True)
            facts = {
                "dest": file.dest, "dest_root": file.dest_root, "size": status.st_size,
                "mtime_ns": status.st_mtime_ns, "sha256": sha256, "verified": verified, "fetched": fetched,
            }  # fmt: skip
            write_atomically(self._receipt_path(file), json.dumps(facts), 0o600)

    def remove(self, file: File) -> int | None:
        """Remove what we fetched of a file, staged or whole; the bytes that frees.

        None: it is there and not ours to remove: the user's own (adopted, or changed since).

        Raises:
            DiskTrouble: The volume refuses.
        """
        target, staging = self.target(file), self.staging(file)
        with disk_work(f"remove {target}"):
            if os.path.lexists(target) and not self.receipt(file).get("fetched"):
                return None
            freed = 0
            for path in (
                target,
                *(f"{staging}/{name}" for name in _names(staging)),
                self._receipt_path(file),
            ):
                with contextlib.suppress(FileNotFoundError):
                    freed += os.lstat(path).st_blocks * 512 if path != self._receipt_path(file) else 0
                    os.unlink(path)
        return freed

    def place(self, file: File, part: str) -> str:
        """Move a sealed part to its destination; return where a file that was in the way went, or ""."""
        target = self.target(file)
        folder = os.path.dirname(target)
        with disk_work(f"write to {folder}"):
            self._make(folder)
            if self.owner:
                os.chown(part, *self.owner)
            aside = _set_aside(target)
            try:
                os.rename(part, target)
            except OSError as error:
                if error.errno != errno.EXDEV:  # models may be a link to another file system
                    raise
                _copy_over(part, target)
            sync_folder(folder)
            os.utime(folder)  # ComfyUI's file lists go by the folder's mtime; some network volumes keep the old one
        return aside

    def _make(self, folder: str) -> None:
        """`folder` and what is missing above it, all of the owner's."""
        if os.path.isdir(folder):
            return
        self._make(os.path.dirname(folder))
        try:
            os.mkdir(folder)
        except FileExistsError:  # another connection, or another pod on the volume, was first
            if not os.path.isdir(folder):
                raise
        if self.owner:
            os.chown(folder, *self.owner)

    def _receipt_path(self, file: File) -> str:
        return f"{self.kept}/receipts/{self._key(file)}.json"

    def _key(self, file: File) -> str:
        """One name per destination."""
        digest = hashlib.sha256(f"{file.dest_root}/{file.dest}".encode()).hexdigest()[:12]
        return f"{os.path.basename(file.dest)[:80]}.{digest}"


def _names(folder: str) -> list[str]:
    """What an unfinished fetch left; its lease stays, it may be held."""
    try:
        return [name for name in os.listdir(folder) if name.startswith(("part.", "journal."))]
    except FileNotFoundError:
        return []


def _set_aside(target: str) -> str:
    if not os.path.lexists(target):
        return ""
    number, aside = 1, f"{target}.set-aside"
    while os.path.lexists(aside):
        number, aside = number + 1, f"{target}.set-aside-{number}"
    os.rename(target, aside)
    return aside


def hash_of(path: str) -> str:
    """sha256 of a whole file."""
    with disk_work(f"read {path}"), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_over(part: str, target: str) -> None:
    """The move where it crosses file systems: a hidden copy beside the target, whole, then renamed."""
    folder, name = os.path.split(target)
    copy = f"{folder}/.{name}.podkeeper-copy"
    try:
        with open(part, "rb") as source, open(copy, "wb") as file:
            while block := source.read(_BLOCK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.rename(copy, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(copy)
        raise
    os.unlink(part)
