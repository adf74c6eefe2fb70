"""A: the sha256 of a part file while it is written: a thread reads it back in file order, close behind.

The thread itself finds out how far it may go. Asked by the loop's thread each time, it waited a quarter of its time
for a loop that was busy with receiving (bench/models).
"""

from __future__ import annotations

import asyncio
import hashlib
import threading

from entrypoint.models.download.chunks import ChunkLayout
from entrypoint.models.download.part_file import PartFile
from entrypoint.models.errors import DiskError

_BLOCK = 4 << 20  # two hand-overs of the interpreter's lock each
_WRITEBACK = 16 << 20


class Hasher:
    """Follows one part file."""

    def __init__(self, part: PartFile, layout: ChunkLayout) -> None:
        self._part, self._layout = part, layout
        self._written = threading.Event()
        self._stopped = False

    def notify(self) -> None:
        """Have the thread check whether it can go on."""
        self._written.set()

    async def run(self) -> str:
        """The sha256 of the file, once everything is written. Raises DiskError: the part file can't be read back."""
        work = asyncio.get_running_loop().run_in_executor(None, self._follow)
        stopped: asyncio.CancelledError | None = None
        while not work.done():  # to its very end: it uses a file that is closed after that
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError as error:
                stopped, self._stopped = error, True
                self._written.set()
        if stopped:
            work.exception()  # retrieved: asyncio would warn of one that never was
            raise stopped
        return work.result()

    def _follow(self) -> str:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(_BLOCK))
        hashed = begun = 0
        while hashed < self._layout.size:
            block = min(_BLOCK, self._layout.size - hashed)
            self._wait_for(hashed, hashed + block)
            if self._stopped:
                break
            count = self._part.read_into(buffer[:block], hashed)
            if not count:
                raise DiskError("VolumeRefuses", "the part file has shrunk", "check the volume")
            digest.update(buffer[:count])
            hashed += count
            if hashed - begun >= _WRITEBACK:
                self._part.start_writeback(begun, hashed)
                begun = hashed
        return digest.hexdigest()

    def _wait_for(self, start: int, end: int) -> None:
        while not (self._stopped or self._layout.is_written(self._part.done, start, end)):
            self._written.wait()
            self._written.clear()
