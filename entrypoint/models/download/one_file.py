"""A: one file from its source into ComfyUI's folder: verified and whole, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from entrypoint.models.disk import disk_work
from entrypoint.models.download import lease
from entrypoint.models.download.chunks import ChunkLayout, Identity, identity_of
from entrypoint.models.download.disks import Disks
from entrypoint.models.download.file_format import what_is_wrong
from entrypoint.models.download.part_file import PartFile
from entrypoint.models.download.remote_file import RemoteFile, Session
from entrypoint.models.download.resolve import Resolved
from entrypoint.models.download.segmented import SegmentedDownload
from entrypoint.models.download.whole_file import download_whole
from entrypoint.models.errors import DiskError, DownloadError, RangesRefused, UpstreamChanged
from entrypoint.models.progress import BUSY, Transfer
from entrypoint.models.store import ModelStore, sha256_of
from entrypoint.models.transport.response_rules import starts_like_web_page

_RESTARTS = 3


class OneFile:
    """The download of one file. `transfer`: the file, and its progress."""

    def __init__(self, session: Session, disks: Disks, transfer: Transfer, log: Callable[[str], None]) -> None:
        """`log`: receives a line where a file was set aside."""
        self._limits, self._disks, self._store, self._log = session.limits, disks, disks.store, log
        self.transfer = transfer
        self._remote = RemoteFile(session, transfer)

    def has_receipt(self) -> bool:
        """Whether the file is installed and verified, which a receipt shows at the cost of a stat."""
        found = {} if self.transfer.renew else self._store.installed(self.transfer.file)
        if found:
            self.transfer.installed("receipt", int(str(found["size"])))
        return bool(found)

    async def learn_size(self) -> None:
        """Resolve the file; note its size, and whether its disk has its bytes. Raises DownloadError: unavailable."""
        resolved = await self._remote.resolve()
        self.transfer.size = resolved.size or 0
        same, file = self._disks.same, self.transfer.file
        self.transfer.linked_from = await asyncio.to_thread(same.on_its_disk, file, resolved.sha256, resolved.size)

    async def run(self) -> None:
        """Download and install the file under its lease; the transfer is BUSY afterwards where another pod holds that.

        Raises DownloadError: it is unavailable; bytes that a later run can use stay in its staging folder.
        """
        if self.has_receipt():
            return
        resolved = await self._remote.resolve()
        async with self._disks.same.lock(resolved.sha256):
            local = await asyncio.to_thread(self._disks.first, self.transfer, resolved)  # it reads receipts
            if local is not None:
                try:
                    await self._run_in(local)
                except DiskError as error:  # full, or another user's of a start before: the volume takes the file, too
                    self._log(f"models: {self.transfer.file.dest}: {error.reason}; it goes straight to the volume")
                    self.transfer.restart()
                else:
                    return
                finally:
                    self._disks.local.done(self.transfer.file)
            await self._run_in(self._store)

    async def _run_in(self, store: ModelStore) -> None:
        """Download to one of the disks."""
        folder = store.staging_folder(self.transfer.file)
        with disk_work(f"write to {folder}"):
            held = lease.acquire(folder, self._limits.lease_timeout)
        if held is None:
            self.transfer.state = BUSY
            return
        try:
            async with held.renewed(self._limits.lease_renewal):
                if not self.has_receipt():  # the pod that held the lease a moment ago may have finished it
                    await self._install(store, folder, held)
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # only an empty one goes

    async def _install(self, store: ModelStore, folder: str, held: lease.Lease) -> None:
        file = self.transfer.file
        store.prepare(file)
        resolved = await self._remote.resolve()
        if await self._adopt(resolved.size, resolved.sha256):
            return
        if store.is_marked_wrong(file, _version(resolved)):
            raise _wrong_for_good("it was downloaded before, and its sha256 is not the expected one")
        if store is self._store and await self._disks.take(self.transfer, resolved, folder, held, self._log):
            return
        part, digest = await self._download(store, folder, held)
        await asyncio.to_thread(self._disks.install, store, self.transfer, part.path, digest, resolved, self._log)
        part.discard()
        self.transfer.installed("fetched", self.transfer.written)

    async def _adopt(self, size: int | None, sha256: str) -> bool:
        """Whether the right file is installed without a receipt: hashed once, then it has one."""
        path = self._store.path(self.transfer.file)
        if self.transfer.renew and not sha256:
            return False
        try:
            found = os.stat(path).st_size
        except OSError:
            return False
        if (size is not None and found != size) or (size is None and not sha256):
            return False
        if not sha256 and (self._store.distrusts(self.transfer.file) or _wrong_format(path, found)):
            return False
        digest = await asyncio.to_thread(sha256_of, path)
        if sha256 and digest != sha256:
            return False
        self._store.write_receipt(self.transfer.file, digest, bool(sha256), fetched=False)
        self.transfer.installed("adopted", found)
        return True

    async def _download(self, store: ModelStore, folder: str, held: lease.Lease) -> tuple[PartFile, str]:
        """Download into a part file in `folder`; returns it sealed and closed, with its sha256."""
        single, wrong, digests = False, None, list[str]()
        for _ in range(_RESTARTS):
            resolved = await self._remote.resolve()
            try:
                return await self._download_once(folder, held, resolved, single or not resolved.ranges)
            except RangesRefused:
                single = True
            except UpstreamChanged:
                # Perhaps it was replaced, perhaps each of its servers has an ETag of its own: one stream is one file.
                single = True
                self._remote.forget()
            except _WrongBytes as error:
                wrong = error
                digests.append(error.digest)
                self._remote.forget()
            self.transfer.restart()
        if wrong and len(digests) == _RESTARTS and len(set(digests)) == 1:
            if not self.transfer.renew:  # what is installed keeps its receipt
                store.mark_wrong(self.transfer.file, _version(resolved))
            raise _wrong_for_good(str(wrong))
        if wrong:
            remedy = "try again later; if it stays so, the file at its source is damaged"
            raise DownloadError("HashMismatch", f"{wrong}: discarded", remedy, temporary=True)
        reason = "it kept changing at its source while it was downloaded"
        raise DownloadError("KeepsChanging", reason, "try again later", temporary=True)

    async def _download_once(
        self, folder: str, held: lease.Lease, resolved: Resolved, single: bool
    ) -> tuple[PartFile, str]:
        size, chunk = resolved.size or 0, self._limits.chunk
        boot = lease.machine().partition(" ")[0]
        # Ranges of one file fit together by its hash or a strong ETag only (RFC 9110 13.1.5).
        strong = resolved.sha256 or (resolved.etag and not resolved.etag.startswith("W/"))
        single = single or not size or not strong
        identity = Identity("", size, 1) if single else identity_of(resolved.sha256, resolved.etag, boot, size, chunk)
        part = PartFile(folder, held.owner, identity)
        kept = False
        try:
            if single:
                size, digest = await download_whole(self._remote, part)
            else:
                self.transfer.start(size, part.resumed)
                digest = await SegmentedDownload(self._remote, part, ChunkLayout(size, chunk)).run()
            _compare(digest, resolved.sha256)
            held.renew()
            part.seal(size)
            self._check_content(part, size, verified=bool(resolved.sha256))
            kept = True
        except (RangesRefused, UpstreamChanged, _WrongBytes):
            part.discard()
            raise
        finally:
            part.close()
            if not kept and single:
                part.discard()
        return part, digest

    def _check_content(self, part: PartFile, size: int, *, verified: bool) -> None:
        def read(count: int) -> bytes:
            head = bytearray(min(count, size))
            return bytes(head[: part.read_into(memoryview(head), 0)])

        dest = self.transfer.file.dest
        if starts_like_web_page(read(64)) and not dest.endswith((".html", ".htm")):
            part.discard()
            raise self._remote.web_page()
        if not verified and (wrong := what_is_wrong(dest, size, read)):
            part.discard()
            reason = f"{self._remote.shown} sends {wrong}"
            raise DownloadError("WrongFormat", reason, "check the address in the manifest; it may need a login")


class _WrongBytes(Exception):
    """The file is complete and its hash is not the expected one."""

    def __init__(self, digest: str, wanted: str) -> None:
        super().__init__(f"its sha256 is {digest[:16]}..., not {wanted[:16]}...")
        self.digest = digest


def _compare(digest: str, wanted: str) -> None:
    if wanted and digest != wanted:
        raise _WrongBytes(digest, wanted)


def _wrong_for_good(reason: str) -> DownloadError:
    remedy = "correct sha256 in the manifest, or choose another source: it is fetched again when one of them changes"
    return DownloadError("HashMismatch", f"{reason}: discarded", remedy)


def _version(resolved: Resolved) -> str:
    """What changes where the manifest's hash or the file at the source does."""
    return f"{resolved.sha256} {resolved.size} {resolved.etag}"


def _wrong_format(path: str, size: int) -> str:
    """What is wrong with an installed file whose hash is not known."""

    def read(count: int) -> bytes:
        with open(path, "rb") as file:
            return file.read(count)

    with disk_work(f"read {path}"):
        return what_is_wrong(path, size, read)
