"""P: the chunks of one file, and the journal from which a killed download resumes.

The journal is text: a line of JSON that says which file of which size it is, then `<chunk> <bytes>` for each
step. A line is written after its bytes, so that it is true after a kill -9; a torn last line is ignored. A crash of
the machine may lose the bytes: the hash over all of them shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """How one file is cut into chunks."""

    size: int  # bytes of the file
    chunk: int  # bytes of a chunk; the last one may be shorter

    @property
    def count(self) -> int:
        """Chunks of the file."""
        return -(-self.size // self.chunk)

    def span(self, index: int) -> tuple[int, int]:
        """A chunk's first byte, and the byte behind the last one."""
        return index * self.chunk, min((index + 1) * self.chunk, self.size)

    def length(self, index: int) -> int:
        """Bytes of a chunk."""
        first, end = self.span(index)
        return end - first

    def missing(self, done: Mapping[int, int]) -> list[int]:
        """Chunks that are not whole, in file order, so that the hash can follow closely."""
        return [index for index in range(self.count) if done.get(index, 0) < self.length(index)]

    def is_written(self, done: Mapping[int, int], start: int, end: int) -> bool:
        """Whether all bytes from `start` up to `end` are written."""
        last = (end - 1) // self.chunk
        whole = all(done.get(index, 0) >= self.length(index) for index in range(start // self.chunk, last))
        return whole and done.get(last, 0) >= end - self.span(last)[0]


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two responses the same file."""

    # the sha256 where it is known; else ETag and the machine's boot, since without a hash a crash's lost bytes would go
    # unnoticed. "": neither is known, so nothing is resumed
    key: str
    size: int  # bytes
    chunk: int  # bytes of a chunk

    def header(self) -> str:
        """The journal's first line."""
        return json.dumps({"key": self.key, "size": self.size, "chunk": self.chunk}) + "\n"


def identity_of(sha256: str, etag: str, boot: str, size: int, chunk: int) -> Identity:
    """The identity of a resolved file. `boot`: identifies the machine's boot."""
    key = sha256 or (f"{etag} {boot}" if etag and boot and not etag.startswith("W/") else "")
    return Identity(key, size, chunk)


def read_journal(text: str, wanted: Identity) -> dict[int, int] | None:
    """Chunk -> bytes of it that are written; None: the journal is of another file, or none."""
    first, _, rest = text.partition("\n")
    if not wanted.key or first + "\n" != wanted.header():
        return None
    layout, done = ChunkLayout(wanted.size, wanted.chunk), dict[int, int]()
    for line in rest.split("\n")[:-1]:  # the rest behind the last newline is a torn line
        words = line.split(" ")
        if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words):
            continue
        index, count = int(words[0]), int(words[1])
        if index < layout.count and count <= layout.length(index):
            done[index] = max(count, done.get(index, 0))
    return done
