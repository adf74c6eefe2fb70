"""P: whether a file begins as files of its ending do: for sources that state no hash, and files that lie there already.

An origin that sends a login page, an error in JSON or XML, or Git's pointer to large file storage says 200, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable

#: Bytes of a file's beginning that are looked at; the header of a safetensors file of 5,000 tensors has 600 kB.
HEAD = 4 << 20
_BEGINNINGS = {
    ".gguf": ("GGUF", (b"GGUF",)),
    ".zip": ("ZIP", (b"PK",)),
    ".ckpt": ("PyTorch", (b"PK", b"\x80")),
    ".pt": ("PyTorch", (b"PK", b"\x80")),
    ".pth": ("PyTorch", (b"PK", b"\x80")),
}
_TEXTS = (".json", ".txt", ".yaml", ".yml", ".xml", ".html", ".htm", ".md", ".csv", ".py", ".svg")


def what_is_wrong(name: str, size: int, read: Callable[[int], bytes]) -> str:
    """What the content is instead of a file of the ending of `name`, or "".

    `size`: bytes of the file; `read`: returns its first bytes, as many as asked for.
    """
    lowered = name.lower()
    head = read(512)
    if head.startswith(b"version https://git-lfs."):
        return "a pointer of Git's large file storage"
    if lowered.endswith(_TEXTS):
        return ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        return "a web page or an error in XML"
    if text.startswith((b'{"', b"{\n", b"{ ", b"[{")):
        return "an answer in JSON"
    if lowered.endswith((".safetensors", ".sft")):
        return _safetensors(size, head, read)
    for ending, (kind, beginnings) in _BEGINNINGS.items():
        if lowered.endswith(ending) and not head.startswith(beginnings) and head[257:262] != b"ustar":
            return f"not {kind}, as its ending says"
    return ""


def _safetensors(size: int, head: bytes, read: Callable[[int], bytes]) -> str:
    """The format: 8 bytes with the header's length, the header in JSON, the tensors (huggingface/safetensors)."""
    length = int.from_bytes(head[:8], "little")
    if len(head) < 9 or not 2 <= length <= size - 8 or head[8:9] != b"{":
        return "no safetensors file: its header is missing"
    if 8 + length > HEAD:
        return ""
    try:
        header = json.loads(read(8 + length)[8:])
        last = max((each["data_offsets"][1] for name, each in header.items() if name != "__metadata__"), default=0)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError):
        return "no safetensors file: its header is damaged"
    return "" if last == size - 8 - length else "a damaged safetensors file: its header and its size differ"
