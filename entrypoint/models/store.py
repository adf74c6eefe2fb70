"""A: the model store: installs files into ComfyUI's folders, and keeps a receipt of each.

A receipt says what was verified; while size and mtime are the same, a boot costs a stat. A file that Podkeeper did
not install is never overwritten: it is set aside beside it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from entrypoint.models.disk import disk_work
from entrypoint.models.hub_cache import hub_caches
from entrypoint.models.placing import STAGING_ELSEWHERE, copy_over, elsewhere, existing, set_aside
from entrypoint.models.sources.base import is_destination, is_sha256
from entrypoint.models.sources.model_file import File
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, sync_folder, write_json

#: Beginning of the name of a link to, or a copy of, the same bytes in a staging folder (`same_bytes`, `local_disk`).
SAME = "same."


@dataclass(frozen=True, slots=True)
class ModelStore:
    """ComfyUI's folders, and our own folder with staging and receipts."""

    data: str  # ComfyUI's data folder
    kept: str  # our own folder on the volume (`<stored>/.podkeeper`): staging and receipts
    cache: str = ""  # folder on the container's own disk that models go to first; "": none
    hub_caches: tuple[str, ...] = ()  # folders that may be a cache of the Hugging Face hub

    @classmethod
    def of(cls, paths: Paths) -> ModelStore:
        """The pod's store."""
        return cls(paths.data, paths.models_state, paths.models_cache, hub_caches(os.environ, paths.home, paths.volume))

    @property
    def local(self) -> ModelStore | None:
        """The store on the container's own disk, where that is in use and another disk than the volume's."""
        if not self.cache:
            return None
        try:
            volume = os.stat(existing(self.disk_of_models()) or "/").st_dev
            other = os.stat(existing(self.cache) or "/").st_dev != volume
        except OSError:  # a volume that is gone
            other = True
        return ModelStore(self.cache, f"{self.cache}/.podkeeper") if other else None

    def path(self, file: File) -> str:
        """The file's destination."""
        below = "models/" if file.dest_root == "models" else ""
        return f"{self.data}/{below}{file.dest}"

    def staging_folder(self, file: File) -> str:
        """The folder of one file during its download: on the disk that the file goes to, so that installing it is a
        rename, and the room of the other disk does not count."""
        top = elsewhere(os.path.dirname(self.path(file)), self.kept)
        return f"{top}/{STAGING_ELSEWHERE}/{self._key(file)}" if top else f"{self.kept}/staging/{self._key(file)}"

    def disk(self, file: File) -> int:
        """The device that the file is staged on and goes to; -1: it cannot be asked."""
        try:
            return os.stat(existing(self.staging_folder(file)) or "/").st_dev
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
            found, status = read_table(self.receipt_path(file)), os.stat(self.path(file))
        except OSError:
            return {}
        facts = (status.st_size, status.st_mtime_ns)
        same = (found.get("size"), found.get("mtime_ns")) == facts and isinstance(found.get("sha256"), str)
        if not same or (file.sha256 and found["sha256"] != file.sha256):
            return {}
        # The manifest may name another file for the same place by now. Receipts of earlier versions have no source.
        of_another = found.get("source", _source(file)) != _source(file)
        return {} if of_another and found["sha256"] != file.sha256 else found

    def receipts(self) -> Iterator[tuple[File, dict[str, object]]]:
        """Each receipt with a hash, and its file without a source; `receipt` tells whether it still holds."""
        try:
            names = os.listdir(f"{self.kept}/receipts")
        except OSError:
            return
        for name in names:
            found = read_table(f"{self.kept}/receipts/{name}")
            dest, root, sha256 = (str(found.get(key, "")) for key in ("dest", "dest_root", "sha256"))
            if is_destination(dest) and is_sha256(sha256) and root in ("models", "comfyui"):
                yield File(bundle="", source="", dest=dest, dest_root=root, sha256=sha256), found

    def installed(self, file: File) -> dict[str, object]:
        """The receipt of the file on the volume; else that of one which the local disk alone has."""
        found = self.receipt(file)
        if not found and (local := self.local):
            found = local.receipt(file)
            return {} if found.get("on_volume") else found
        return found

    def write_receipt(self, file: File, sha256: str, verified: bool, *, fetched: bool, **more: object) -> None:
        """Record the installed file.

        `sha256`: its hash; `verified`: the hash is the expected one (False: none was known); `fetched`: we downloaded
        it (False: it was adopted); `more`: further facts. Raises DiskError: the volume refuses.
        """
        with disk_work(f"write a receipt to {self.kept}"):
            status = os.stat(self.path(file))
            os.makedirs(f"{self.kept}/receipts", mode=0o700, exist_ok=True)
            facts = {
                "dest": file.dest, "dest_root": file.dest_root, "size": status.st_size,
                "mtime_ns": status.st_mtime_ns, "sha256": sha256, "verified": verified, "fetched": fetched,
                "source": _source(file), **more,
            }  # fmt: skip
            write_json(self.receipt_path(file), facts, 0o600, durable=True)

    def distrusts(self, file: File) -> bool:
        """Whether what is installed is known to be another file, or to be damaged: its size alone says nothing then."""
        found = read_table(self.receipt_path(file))
        return bool(found.get("damaged")) or found.get("source", _source(file)) != _source(file)

    def mark_damaged(self, file: File) -> None:
        """Withdraw the receipt of an installed file. Raises DiskError: the volume refuses."""
        with disk_work(f"write a receipt to {self.kept}"):
            write_json(self.receipt_path(file), {"damaged": True}, 0o600, durable=True)

    def mark_wrong(self, file: File, origin: str) -> None:
        """Record that the source, as `origin` describes it, has other bytes than wanted."""
        with disk_work(f"write a receipt to {self.kept}"):
            os.makedirs(f"{self.kept}/receipts", mode=0o700, exist_ok=True)
            write_json(self.receipt_path(file), {"wrong": f"{_source(file)} {origin}"}, 0o600)

    def is_marked_wrong(self, file: File, origin: str) -> bool:
        """Whether `mark_wrong` was called for this very source."""
        return bool(read_table(self.receipt_path(file)).get("wrong") == f"{_source(file)} {origin}")

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
            for path in (target, *(f"{staging}/{name}" for name in _names(staging)), self.receipt_path(file)):
                with contextlib.suppress(FileNotFoundError):
                    found = os.lstat(path)
                    counts = path != self.receipt_path(file) and found.st_nlink == 1  # the other name keeps the bytes
                    os.unlink(path)
                    freed += found.st_blocks * 512 if counts else 0
        return freed + ((local.remove(file) or 0) if (local := self.local) else 0)

    def install(self, file: File, part: str, *, replaces: bool = False) -> str:
        """Move a sealed part file to its destination; returns where a file that was in the way went, or "".

        `replaces`: what is there is an older version that we fetched, and is replaced. Raises DiskError: the volume
        refuses.
        """
        target = self.path(file)
        folder = os.path.dirname(target)
        with disk_work(f"write to {folder}"):
            os.makedirs(folder, exist_ok=True)
            aside = "" if replaces else set_aside(target)
            try:
                os.rename(part, target)
            except OSError as error:
                if error.errno != errno.EXDEV:  # models may be a link to another file system
                    raise
                copy_over(part, target)
            sync_folder(folder)
            os.utime(folder)  # ComfyUI's file lists go by the folder's mtime; some network volumes keep the old one
        return aside

    def receipt_path(self, file: File) -> str:
        """The file with the receipt."""
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
        return [name for name in os.listdir(folder) if name.startswith(("part.", "journal.", SAME))]
    except FileNotFoundError:
        return []


def sha256_of(path: str) -> str:
    """The sha256 of a whole file. Raises DiskError: it can't be read."""
    with disk_work(f"read {path}"), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
