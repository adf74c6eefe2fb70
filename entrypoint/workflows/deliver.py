"""P: whether a workflow of WORKFLOWS is written into ComfyUI's library, and under which name.

What the user has changed is never replaced, and what the user has removed comes back only with a newer version.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

#: Nothing is to be written; write it under its name; write it beside the file of that name, which is the user's.
KEEP, WRITE, BESIDE = "keep", "write", "beside"
#: What a file of another origin may be called in every file system, and in ComfyUI's list.
_ODD = re.compile(r"[^\w .()+,@-]+")
_LONGEST = 100


def decide(delivered: str, found: str | None, fresh: str) -> str:
    """KEEP, WRITE or BESIDE.

    Args:
        delivered: SHA-256 of what was delivered last; "": nothing yet.
        found: SHA-256 of the file that has the name now; "" where it cannot be read; None: there is none.
        fresh: SHA-256 of what the address has.
    """
    if fresh in (found, delivered):
        return KEEP
    return WRITE if found is None or (found and found == delivered) else BESIDE


def library_name(where: str) -> str:
    """The file's name in the library, for an address or a path."""
    path = unquote(urlsplit(where).path) if "://" in where else where
    stem = re.sub(r"\.(json|png|webp|mp4|webm)$", "", path.rstrip("/").rpartition("/")[2], flags=re.IGNORECASE)
    stem = _ODD.sub("_", stem).strip(" .-")[:_LONGEST].rstrip(" .")
    return f"{stem or 'workflow'}.json"


def beside(name: str, taken: Collection[str]) -> str:
    """The first free name for a newer version of `name`."""
    stem = re.sub(r" \(updated(?: \d{1,4})?\)$", "", name.removesuffix(".json"))
    count = 1
    while (found := f"{stem} (updated{f' {count}' if count > 1 else ''}).json") in taken:
        count += 1
    return found
