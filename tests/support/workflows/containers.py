"""Pictures and videos with metadata, as small as their formats allow: the containers alone, without an image."""

from __future__ import annotations

import struct
import zlib


def png(**texts: str) -> bytes:
    """`texts`: keyword -> text, as `tEXt`; behind an image chunk, as some tools write it."""
    chunks = [(b"IHDR", bytes(13)), (b"IDAT", bytes(20))]
    chunks += [(b"tEXt", f"{name}\0{text}".encode("latin-1")) for name, text in texts.items()]
    return _png(chunks)


def png_itxt(name: str, text: str, *, compressed: bool) -> bytes:
    """A PNG with an `iTXt` chunk."""
    data = zlib.compress(text.encode()) if compressed else text.encode()
    return _png([(b"IHDR", bytes(13)), (b"iTXt", name.encode() + bytes([0, compressed, 0, 0, 0]) + data)])


def png_ztxt(name: str, data: bytes) -> bytes:
    """A PNG with a `zTXt` chunk of these compressed bytes."""
    return _png([(b"zTXt", name.encode() + b"\0\0" + data)])


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in [*chunks, (b"IEND", b"")]
    )
    return b"\x89PNG\r\n\x1a\n" + body


def webp(*texts: str, order: str = "<") -> bytes:
    """A WebP with an EXIF chunk, whose first directory has these texts (Make, Model, ...)."""
    data = [text.encode() + b"\0" for text in texts]
    at = 8 + 2 + 12 * len(data) + 4
    entries = b""
    for number, text in enumerate(data):
        entries += struct.pack(order + "HHII", 0x010F + number, 2, len(text), at)
        at += len(text)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(data))
    exif = start + entries + bytes(4) + b"".join(data)
    chunks = _chunk(b"VP8 ", bytes(9)) + _chunk(b"EXIF", exif)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def mp4(*, comment: str = "", **texts: str) -> bytes:
    """An MP4 with its metadata behind the video. `texts`: QuickTime's keys; `comment`: iTunes' own."""
    names = b"".join(_box(b"mdta", name.encode()) for name in texts)
    keys = _box(b"keys", struct.pack(">II", 0, len(texts)) + names)
    items = b"".join(_box(struct.pack(">I", number), _data(text)) for number, text in enumerate(texts.values(), 1))
    if comment:
        items += _box(b"\xa9cmt", _data(comment))
    meta = _box(b"meta", bytes(4) + _box(b"hdlr", bytes(8)) + keys + _box(b"ilst", items))
    return _box(b"ftyp", b"isom") + _box(b"mdat", bytes(100)) + _box(b"moov", _box(b"udta", meta))


def _data(text: str) -> bytes:
    return _box(b"data", struct.pack(">II", 1, 0) + text.encode())


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def webm(**texts: str) -> bytes:
    """A WebM with a cluster, then tags."""
    tags = b"".join(
        _element(b"\x67\xc8", _element(b"\x45\xa3", name.upper().encode()) + _element(b"\x44\x87", text.encode()))
        for name, text in texts.items()
    )
    segment = _element(b"\x1f\x43\xb6\x75", bytes(200)) + _element(b"\x12\x54\xc3\x67", _element(b"\x73\x73", tags))
    return _element(b"\x1a\x45\xdf\xa3", bytes(4)) + _element(b"\x18\x53\x80\x67", segment)


def _element(kind: bytes, data: bytes) -> bytes:
    return kind + (len(data) | 1 << 28).to_bytes(4) + data
