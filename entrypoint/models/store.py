"""A: the model store: installs files into ComfyUI's folders, and keeps a receipt of each.

A receipt says what was verified; while size and mtime are the same, a boot costs a stat. A file that Podkeeper did
not install is never overwritten: it is set aside beside it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from dataclasses import dataclass

from entrypoint.models.disk import disk_work
from entrypoint.models.sources.model_file import File
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, sync_folder, write_json

_BLOCK = 1 << 20
#: Beside the files, where a folder for models is on another disk than ours; ComfyUI lists names with known endings.
_STAGING_ELSEWHERE = ".podkeeper-staging"


def elsewhere(folder: str, kept: str) -> str:
    """Where `folder` is on another file system than `kept`: the highest folder of that one that can be written to, so
    that it stays the same when folders are made below; else ""."""
    real, own = _existing(os.path.realpath(folder)), _existing(kept)
    try:
        device = os.stat(real).st_dev
        if not own or device == os.stat(own).st_dev:
            return ""
        while (
            (above := os.path.dirname(real)) != real and os.stat(above).st_dev == device and os.access(above, os.W_OK)
        ):
            real = above
    except OSError:
        return ""
    return real


def _existing(folder: str) -> str:
    while folder not in ("", "/") and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


@dataclass(frozen=True, slots=True)
class ModelStore:
    """ComfyUI's folders, and our own folder with staging and receipts."""

    data: str  # ComfyUI's data folder
    kept: str  # our own folder on the volume (`<stored>/.podkeeper`): staging and receipts

    @classmethod
    def of(cls, paths: Paths) -> ModelStore:
        """The pod's store."""
        return cls(paths.data, paths.models_state)

    def path(self, file: File) -> str:
        """The file's destination."""
        below = "models/" if file.dest_root == "models" else ""
        return f"{self.data}/{below}{file.dest}"

    def staging_folder(self, file: File) -> str:
        """The folder of one file during its download: on the disk that the file goes to, so that installing it is a
        rename, and the room of the other disk does not count."""
        top = elsewhere(os.path.dirname(self.path(file)), self.kept)
        return f"{top}/{_STAGING_ELSEWHERE}/{self._key(file)}" if top else f"{self.kept}/staging/{self._key(file)}"

    def disk(self, file: File) -> int:
        """The device that the file is staged on and goes to; -1: it cannot be asked."""
        try:
            return os.stat(_existing(self.staging_folder(file)) or "/").st_dev
        except OSError:
            return -1

    def disk_of_models(self) -> str:
        """A folder on the disk that models go to: `models` may be a link to another one."""
        return os.path.realpath(f"{self.data}/models")

    def staged_bytes(self, file: File) -> int:
        """Bytes of the disk that an unfinished part of the file occupies."""
        folder = self.staging_folder(file)
        try:
            parts = [name for name in os.listdir(folder) if name.startswith("part.")]
            return sum(os.stat(f"{folder}/{name}").st_blocks * 512 for name in parts)
        except OSError:
            return 0

    def receipt(self, file: File) -> dict[str, object]:
        """What was verified of the file at its destination; {} where it was not, or has changed since."""
        try:
            found, status = read_table(self._receipt_path(file)), os.stat(self.path(file))
        except OSError:
            return {}
        facts = (status.st_size, status.st_mtime_ns)
        same = (found.get("size"), found.get("mtime_ns")) == facts and isinstance(found.get("sha256"), str)
        if not same or (file.sha256 and found["sha256"] != file.sha256):
            return {}
        # The manifest may name another file for the same place by now. Receipts of earlier versions have no source.
        of_another = found.get("source", _source(file)) != _source(file)
        return {} if of_another and found["sha256"] != file.sha256 else found

    def write_receipt(self, file: File, sha256: str, verified: bool, *, fetched: bool) -> None:
        """Record the installed file.

        `sha256`: its hash; `verified`: the hash is the expected one (False: none was known); `fetched`: we downloaded
        it (False: it was adopted). Raises DiskError: the volume refuses.
        """
        with disk_work(f"write a receipt to {self.kept}"):
            status = os.stat(self.path(file))
            os.makedirs(f"{self.kept}/receipts", mode=0o700, exist_ok=True)
            facts = {
                "dest": file.dest, "dest_root": file.dest_root, "size": status.st_size,
                "mtime_ns": status.st_mtime_ns, "sha256": sha256, "verified": verified, "fetched": fetched,
                "source": _source(file),
            }  # fmt: skip
            write_json(self._receipt_path(file), facts, 0o600, durable=True)

    def distrusts(self, file: File) -> bool:
        """Whether what is installed is known to be another file, or to be damaged: its size alone says nothing then."""
        found = read_table(self._receipt_path(file))
        return bool(found.get("damaged")) or found.get("source", _source(file)) != _source(file)

    def mark_damaged(self, file: File) -> None:
        """Withdraw the receipt of an installed file. Raises DiskError: the volume refuses."""
        with disk_work(f"write a receipt to {self.kept}"):
            write_json(self._receipt_path(file), {"damaged": True}, 0o600, durable=True)

    def mark_wrong(self, file: File, origin: str) -> None:
        """Record that the source, as `origin` describes it, has other bytes than wanted."""
        with disk_work(f"write a receipt to {self.kept}"):
            os.makedirs(f"{self.kept}/receipts", mode=0o700, exist_ok=True)
            write_json(self._receipt_path(file), {"wrong": f"{_source(file)} {origin}"}, 0o600)

    def is_marked_wrong(self, file: File, origin: str) -> bool:
        """Whether `mark_wrong` was called for this very source."""
        return bool(read_table(self._receipt_path(file)).get("wrong") == f"{_source(file)} {origin}")

    def prepare(self, file: File) -> None:
        """Make the folder of the destination and try the name, before a byte is fetched. Raises DiskError."""
        folder = os.path.dirname(self.path(file))
        with disk_work(f"write to {self.path(file)}"):
            os.makedirs(folder, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                os.lstat(self.path(file))

    def remove(self, file: File) -> int | None:
        """Remove a downloaded file, staged or installed; returns the bytes that frees.

        None: it is installed and not ours to remove: the user's own (adopted, or changed since).
        Raises DiskError: the volume refuses.
        """
        target, staging = self.path(file), self.staging_folder(file)
        with disk_work(f"remove {target}"):
            if os.path.lexists(target) and not self.receipt(file).get("fetched"):
                return None
            freed = 0
            for path in (target, *(f"{staging}/{name}" for name in _names(staging)), self._receipt_path(file)):
                with contextlib.suppress(FileNotFoundError):
                    freed += os.lstat(path).st_blocks * 512 if path != self._receipt_path(file) else 0
                    os.unlink(path)
        return freed

    def install(self, file: File, part: str) -> str:
        """Move a sealed part file to its destination; returns where a file that was in the way went, or "".

        Raises DiskError: the volume refuses.
        """
        target = self.path(file)
        folder = os.path.dirname(target)
        with disk_work(f"write to {folder}"):
            os.makedirs(folder, exist_ok=True)
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

    def _receipt_path(self, file: File) -> str:
        return f"{self.kept}/receipts/{self._key(file)}.json"

    def _key(self, file: File) -> str:
        """One name per destination."""
        digest = hashlib.sha256(f"{file.dest_root}/{file.dest}".encode()).hexdigest()[:12]
        name = os.path.basename(file.dest).encode()[:80].decode(errors="ignore")  # bytes: a name may have 255 of them
        return f"{name}.{digest}"


def _source(file: File) -> str:
    """Where the manifest says that the file comes from, as a digest: a receipt is no place for an address."""
    text = repr((file.source, sorted(file.keys.items())))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _names(folder: str) -> list[str]:
    """The files of an unfinished download; its lease stays, it may be held."""
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


def sha256_of(path: str) -> str:
    """The sha256 of a whole file. Raises DiskError: it can't be read."""
    with disk_work(f"read {path}"), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_over(part: str, target: str) -> None:
    """The move where it crosses file systems: a hidden copy beside the target, whole, then renamed."""
    folder, name = os.path.split(target)
    copy = f"{folder}/.podkeeper-copy-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
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


def refusal(paths: Paths) -> str:
    """Why this user may not use the store, or "": its folder belongs to the user of another start (RUN_AS, PUID)."""
    kept = paths.models_state
    if not os.path.lexists(kept) or os.access(kept, os.R_OK | os.W_OK | os.X_OK):
        return ""
    if os.access(kept, os.R_OK | os.X_OK) and os.statvfs(kept).f_flag & os.ST_RDONLY:
        return ""  # for every user: what would be written says so
    return (
        f"{kept} is not yours, you are uid {os.geteuid()}: restart the pod, or use a shell of the pod's own user "
        "(docker exec, ssh)"
    )
