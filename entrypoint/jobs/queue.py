"""A: jobs that wait: a request's file for each, beside its record, in the order of their arrival.

The program that takes a job writes the file (status server, serverless worker); the program `jobs` runs it, and removes
the file at its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from entrypoint.jobs.records import ENDED, Record, Records
from entrypoint.jobs.request import valid_id
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_bytes, remove, write_atomically

#: Jobs that may wait, and the bytes of their requests together.
MOST_WAITING, MOST_BYTES = 1000, 2 << 30
_REQUEST, _CANCEL = ".request", ".cancel"


class Full(Exception):
    """No more jobs are taken; the message says why."""


class Queue:
    """The folder of the requests."""

    def __init__(self, paths: Paths) -> None:
        self.records = Records(paths)
        self.folder = self.records.folder

    def add(self, job_id: str, request: Mapping[str, Any]) -> Record:
        """Hand a checked request in; a job that is there already stays as it is. Returns its record.

        Raises:
            Full: Too many wait.
            OSError: The volume refuses it.
        """
        waits = os.path.lexists(self._path(job_id, _REQUEST))
        known = self.records.read(job_id)  # after that look: a request goes once its job's end is in the record
        if known and (known.is_final or (known.state not in ENDED and waits)):
            return known
        waiting = self._waiting()
        if len(waiting) >= MOST_WAITING:
            raise Full(f"{len(waiting)} jobs wait")
        if sum(size for *_, size in waiting) > MOST_BYTES:
            raise Full("the jobs that wait have more than 2 GB of input files")
        os.makedirs(self.folder, exist_ok=True)
        record = known.again() if known and known.state in ENDED else known or Record(job_id, submitted=time.time())
        self.records.write(record)  # first: the program `jobs` may have ended the job a millisecond after the request
        try:
            # It may hold a key of Comfy.org's, and what a user has drawn.
            write_atomically(self._path(job_id, _REQUEST), json.dumps(request), 0o600)
        except OSError:
            if known is None:
                self.records.forget(job_id)
            raise
        return record

    def next(self) -> str:
        """The id of the job that has waited longest; "": none."""
        waiting = self._waiting()
        return min(waiting, key=lambda each: each[1])[0] if waiting else ""

    def request(self, job_id: str) -> Any:
        """The request of a job; None: it cannot be read."""
        try:
            return json.loads(read_bytes(self._path(job_id, _REQUEST), 256 << 20, links=False))
        except (OSError, ValueError, RecursionError):
            return None

    def cancel(self, job_id: str) -> Record | None:
        """Ask for a job to be cancelled; returns its record. Raises OSError."""
        record = self.records.read(job_id)
        if record and record.state not in ENDED:
            write_atomically(self._path(job_id, _CANCEL), "", durable=False)
        return record

    def is_cancelled(self, job_id: str) -> bool:
        """Whether a job is to be cancelled."""
        return os.path.lexists(self._path(job_id, _CANCEL))

    def finish(self, job_id: str) -> None:
        """Forget the request of a job that has ended."""
        for ending in (_REQUEST, _CANCEL):
            with contextlib.suppress(OSError):
                remove(self._path(job_id, ending))

    def _path(self, job_id: str, ending: str) -> str:
        return f"{self.folder}/{job_id}{ending}"

    def _waiting(self) -> list[tuple[str, float, int]]:
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                name = entry.name.removesuffix(_REQUEST)
                if name != entry.name and valid_id(name) and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found.append((name, status.st_mtime, status.st_size))
        return found
