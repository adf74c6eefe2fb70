"""A: the sha256 of a part while it arrives: a thread reads back what is there, in file order, close behind.

It finds out by itself how far it may go. Asked by the loop's thread each time, it waited a quarter of its time for a
loop that was busy with receiving (bench/models).
"""

from __future__ import annotations

import asyncio
import hashlib
import threading

from entrypoint.models.download.chunks import Plan
from entrypoint.models.download.part_file import Part
from entrypoint.models.transport.response_rules import DiskTrouble

_BLOCK = 4 << 20  # two hand-overs of the interpreter's lock each
_WRITTEN_AT_ONCE = 16 << 20


class HashBehind:
    """Follows one part."""

    def __init__(self, part: Part, plan: Plan) -> None:
        self._part, self._plan = part, plan
        self._moved = threading.Event()
        self._stopped = False

    def moved(self) -> None:
        """More may be there."""
        self._moved.set()

    async def run(self) -> str:
        """The sha256 of everything, when everything is there.

        Raises:
            DiskTrouble: It can't be read back.
        """
        work = asyncio.get_running_loop().run_in_executor(None, self._follow)
        stopped: asyncio.CancelledError | None = None
        while not work.done():  # to its very end: it uses a file that is closed after that
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError as error:
                stopped, self._stopped = error, True
                self._moved.set()
        if stopped:
            work.exception()  # seen: asyncio would tell of one that nobody asked for
            raise stopped
        return work.result()

    def _follow(self) -> str:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(_BLOCK))
        hashed = begun = 0
        while hashed < self._plan.size:
            block = min(_BLOCK, self._plan.size - hashed)
            self._wait_for(hashed, hashed + block)
            if self._stopped:
                break
            count = self._part.read_into(buffer[:block], hashed)
            if not count:
                reason = "the part file is shorter than it was"
                raise DiskTrouble("VolumeRefuses", reason, "look at the volume")
            digest.update(buffer[:count])
            hashed += count
            if hashed - begun >= _WRITTEN_AT_ONCE:
                self._part.begin_writing(begun, hashed)
                begun = hashed
        return digest.hexdigest()

    def _wait_for(self, start: int, end: int) -> None:
        while not (self._stopped or self._plan.is_there(self._part.done, start, end)):
            self._moved.wait()
            self._moved.clear()
