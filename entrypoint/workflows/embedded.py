"""P: the workflow in a picture or video that ComfyUI has saved, read from its metadata; the rest is not read.

ComfyUI writes `workflow` (the user interface's format) and `prompt` (the API's): PNG as text chunks, WebP as EXIF
("workflow:{...}"), MP4 and WebM as metadata of the container. VideoHelperSuite writes both as one JSON into `comment`.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from entrypoint.workflows.document import LARGEST, NotAWorkflow

_PNG, _WEBM = b"\x89PNG\r\n\x1a\n", b"\x1a\x45\xdf\xa3"
#: Pieces of a container that are looked at: each is a seek.
_MOST_PIECES = 100_000
#: Boxes of MP4 that hold boxes on the way to the metadata.
_BOXES = (b"moov", b"udta", b"meta")
#: Matroska's ids (RFC 9559): Segment, Tags, Tag, SimpleTag; TagName, TagString.
_HOLDERS, _TAG_NAME, _TAG_STRING = (0x18538067, 0x1254C367, 0x7373, 0x67C8), 0x45A3, 0x4487


def is_container(head: bytes) -> bool:
    """Whether a file that begins so is a picture or video."""
    return _kind(head) != ""


def _kind(head: bytes) -> str:
    if head.startswith(_PNG):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith(_WEBM):
        return "WebM"
    if head[4:8] in (b"ftyp", b"moov", b"wide"):
        return "MP4"
    names = {b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "RIFF", b"PK\x03\x04": "ZIP", b"fLaC": "FLAC"}
    return next((name for begin, name in names.items() if head.startswith(begin)), "")


def workflow_in(file: BinaryIO) -> bytes:
    """The JSON of the workflow in an open picture or video. Raises NotAWorkflow."""
    file.seek(0)
    kind = _kind(file.read(16))
    readers = {"PNG": _png, "WebP": _webp, "WebM": _webm, "MP4": _mp4}
    if kind not in readers:
        raise NotAWorkflow(f"it is {kind}: a workflow can be read from JSON, PNG, WebP, MP4 and WebM")
    found: dict[str, bytes] = {}
    try:
        for name, text in readers[kind](file):
            if len(text) > LARGEST:
                raise NotAWorkflow(f"the workflow in this {kind} has more than {LARGEST >> 20} MB")
            found.setdefault(name.lower(), text)
    except (struct.error, zlib.error, IndexError, OverflowError):
        if not found:
            raise NotAWorkflow(f"this {kind} is damaged or cut short") from None
    text = found.get("workflow") or found.get("prompt") or _in_comment(found.get("comment", b""))
    if not text:
        raise NotAWorkflow(f"this {kind} has no workflow in it: it was not saved by ComfyUI, or a site has removed it")
    return text


def _in_comment(text: bytes) -> bytes:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return b""
    for name in ("workflow", "prompt"):
        inner = content.get(name) if isinstance(content, dict) else None
        if inner:
            return inner.encode(errors="replace") if isinstance(inner, str) else json.dumps(inner).encode()
    return b""


def _png(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    file.seek(8)
    for _ in range(_MOST_PIECES):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            return
        if kind not in (b"tEXt", b"iTXt", b"zTXt") or length > LARGEST:
            file.seek(length + 4, 1)
            continue
        name, _, rest = _read(file, file.tell(), length).partition(b"\0")
        file.seek(4, 1)
        if kind == b"zTXt":
            rest = _inflated(rest[1:])
        elif kind == b"iTXt":  # compressed?, method, language, translated name, text
            compressed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[2]
            rest = _inflated(text) if compressed else text
        else:  # Latin-1 by the format; ComfyUI's JSON is ASCII
            rest = rest.decode("latin-1").encode()
        yield name.decode("latin-1"), rest


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, LARGEST + 1)


def _webp(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    file.seek(12)
    for _ in range(_MOST_PIECES):
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind == b"EXIF":
            yield from _exif(file.read(min(length, LARGEST)).removeprefix(b"Exif\0\0"))
            return
        file.seek(length + length % 2, 1)


def _exif(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The texts `name:value` of the first directory (TIFF 6.0)."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    for number in range(count):
        _, kind, length, offset = struct.unpack_from(order + "HHII", data, start + 2 + 12 * number)
        if kind == 2 and length > 4:
            name, colon, text = data[offset : offset + length].rstrip(b"\0").partition(b":")
            if colon and len(name) < 20:
                yield name.decode("latin-1"), text


def _mp4(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """`keys` and `ilst` of QuickTime's metadata (mdta), or iTunes' comment."""
    end = file.seek(0, 2)
    waiting, keys, lists = [(0, end)], list[str](), list[tuple[int, int]]()
    pieces = 0
    while waiting:
        at, end = waiting.pop()
        while at + 8 <= end and (pieces := pieces + 1) < _MOST_PIECES:
            kind, begin, after = _box(file, at, end)
            if kind in _BOXES:
                if kind == b"meta" and _read(file, begin, 4) == b"\0\0\0\0":
                    begin += 4  # of ISO's, with a version; QuickTime's has none
                waiting.append((begin, after))
            elif kind == b"keys":
                keys = _keys(_read(file, begin, min(after - begin, 1 << 20)))
            elif kind == b"ilst":
                lists.append((begin, after))
            at = after
    for at, end in lists:
        while at + 8 <= end and (pieces := pieces + 1) < _MOST_PIECES:
            kind, begin, after = _box(file, at, end)
            index = int.from_bytes(kind)
            name = "comment" if kind == b"\xa9cmt" else keys[index - 1] if 0 < index <= len(keys) else ""
            if name and after - begin <= LARGEST:
                yield name, _read(file, begin, after - begin)[16:]  # a box `data`: size, name, type, locale
            at = after


def _box(file: BinaryIO, at: int, end: int) -> tuple[bytes, int, int]:
    """(name, where its content begins, where it ends) of the box at `at`."""
    size, kind = struct.unpack(">I4s", _read(file, at, 8))
    begin = at + 8
    if size == 1:
        (size,), begin = struct.unpack(">Q", _read(file, at + 8, 8)), at + 16
    after = end if size == 0 else at + size
    if after < begin or after > end:
        raise struct.error("a box ends behind the one around it")
    return kind, begin, after


def _keys(data: bytes) -> list[str]:
    found, at = [], 8  # version, count
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        if size < 8:
            break
        found.append(data[at + 8 : at + size].decode(errors="replace"))
        at += size
    return found


def _webm(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    end = file.seek(0, 2)
    waiting = [(0, end)]
    name, pieces = "", 0
    while waiting:
        at, stop = waiting.pop()
        while at < stop and (pieces := pieces + 1) < _MOST_PIECES:
            kind, begin = _number(file, at, keep_mark=True)
            size, begin = _number(file, begin, keep_mark=False)
            after = min(begin + size, stop)
            if kind in _HOLDERS:
                waiting.append((after, stop))
                at, stop = begin, after
                continue
            if kind == _TAG_NAME:
                name = _read(file, begin, min(after - begin, 100)).decode(errors="replace")
            elif kind == _TAG_STRING and size <= LARGEST:
                yield name, _read(file, begin, size)
            at = after


def _number(file: BinaryIO, at: int, *, keep_mark: bool) -> tuple[int, int]:
    """(EBML's number of variable length at `at`, where it ends); one of unknown size is a very large one."""
    first = _read(file, at, 1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise struct.error("no number")
    data = _read(file, at, length)
    value = int.from_bytes(data)
    return (value if keep_mark else value & ((1 << 7 * length) - 1)), at + length


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    data = file.read(count)
    if len(data) < count:
        raise struct.error("cut short")
    return data
