"""A: receipts of delivered outputs: one JSON line each, in a file on the volume.

A kill can tear the last line, and pods on one volume may write at once: a line that is no receipt is passed over. A
receipt that is lost costs a look at the destination, where the file is found.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from entrypoint.outputs.deliver import Arrived
from entrypoint.outputs.names import Found
from entrypoint.outputs.rclone import HASHES
from entrypoint.settings.destinations import Destination
from entrypoint.settings.paths import Paths
from entrypoint.system.files import open_regular, write_atomically

#: Receipts that no longer count, in the file; beyond that it is written anew.
_MOST_OLD = 5000
_LONGEST = 8192


def receipts_file(paths: Paths) -> str:
    """The file with the receipts."""
    return f"{paths.models_state}/outputs/receipts.jsonl"


class Receipt(NamedTuple):
    """A delivered file. `address`: where it is; `size`, `mtime_ns`: of the file here, when it was copied."""

    size: int
    mtime_ns: int
    address: str


class Receipts:
    """The receipts for one destination."""

    def __init__(self, paths: Paths, to: str) -> None:
        """`to`: OUTPUTS_TO. Another destination has receipts of its own in the same file."""
        self._path, self._to = receipts_file(paths), to
        self._by_name: dict[str, Receipt] = {}
        self._offset = self._lines = 0

    def read(self) -> None:
        """Read what has been written since the last call, by whichever process; a file that is missing has none."""
        with contextlib.suppress(OSError), open_regular(self._path) as file:
            if os.fstat(file.fileno()).st_size < self._offset:  # it was written anew
                self._offset, self._by_name = 0, {}
            file.seek(self._offset)
            while (line := file.readline(_LONGEST)).endswith(b"\n"):
                self._offset += len(line)
                self._take(line)

    def has(self, name: str, file: Found) -> bool:
        """Whether this very file is delivered."""
        found = self._by_name.get(name)
        return found is not None and found[:2] == file

    def address(self, name: str) -> str:
        """Where a file is; "": it is not delivered."""
        found = self._by_name.get(name)
        return found.address if found else ""

    def add(self, delivered: Mapping[str, tuple[Found, Arrived]], to: Destination) -> None:
        """Write receipts: name -> the file here, and there.

        Raises:
            OSError: The volume refuses.
        """
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        lines = [
            json.dumps({
                "name": name, "size": here.size, "mtime_ns": here.mtime_ns, "sha256": there.sha256,
                "hashes": there.hashes, "verified": "hash" if any(map(there.hashes.get, HASHES)) else "size",
                "at": round(time.time(), 3), "to": self._to, "address": to.address_of(there.name),
            })
            for name, (here, there) in delivered.items()
        ]  # fmt: skip
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            # After a torn line: this one begins a line of its own.
            file.write(b"\n" * self._is_torn() + "".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
        self.read()

    def compact(self) -> None:
        """Write the file anew where most of its receipts no longer count. Raises OSError: the volume refuses."""
        if self._lines - len(self._by_name) < _MOST_OLD:
            return
        kept: dict[tuple[str, str], bytes] = {}
        with open_regular(self._path) as file:
            for line in file:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    kept[entry["to"], entry["name"]] = line
        write_atomically(self._path, b"".join(kept.values()))
        self._offset = self._lines = 0
        self._by_name = {}
        self.read()

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):
            entry: dict[str, Any] = json.loads(line)
            self._lines += 1
            if entry["to"] == self._to:
                receipt = Receipt(int(entry["size"]), int(entry["mtime_ns"]), str(entry["address"]))
                self._by_name[str(entry["name"])] = receipt

    def _is_torn(self) -> bool:
        with contextlib.suppress(OSError), open_regular(self._path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
        return False
