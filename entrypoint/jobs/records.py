"""A: the jobs' records: what became of each job, by its id, in a file of the volume.

A job that comes again, to this process or another, gets the result that it had. A record has no input file, no secret
and no workflow. Records of jobs that have ended are removed after a week, and beyond the newest thousand.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from entrypoint.jobs.failure import Failure, failure_of
from entrypoint.jobs.outcome import OutputFile
from entrypoint.jobs.request import valid_id
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, remove, write_json

#: States of a job; the last two are its end.
WAITING, QUEUED, RUNNING, DONE, FAILED = "waiting", "queued", "running", "done", "failed"
ENDED = (DONE, FAILED)
_KEPT, _KEPT_S = 1000, 7 * 24 * 3600.0
#: So that the same job has the same prompt id in every pod; any UUID of our own would do.
_NAMESPACE = uuid.UUID("5f1c3c7a-6a0e-4b0a-9a83-0d6d2c1d6c41")


@dataclass(slots=True)
class Record:
    """What became of a job.

    Attributes:
        attempt: 0, and one more for each time that it came again after a failure which another try may cure.
        ends: How often ComfyUI ended while it ran this job.
        seconds: From its submission to its end.
        files: What it has written; `failure`: why it has not.
    """

    id: str
    state: str = WAITING
    submitted: float = 0.0
    seconds: float = 0.0
    share: float = 0.0
    node: str = ""
    ends: int = 0
    attempt: int = 0
    files: list[OutputFile] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def prompt_id(self) -> str:
        """The id of its prompt in ComfyUI, whose history has those of earlier attempts, too."""
        return prompt_id(f"{self.id}#{self.attempt}" if self.attempt else self.id)

    @property
    def is_final(self) -> bool:
        """Whether the job has ended, and is not run again if it comes again."""
        return self.state in ENDED and not (self.failure and self.failure.retry)

    def again(self) -> Record:
        """The record of the next attempt."""
        return Record(self.id, submitted=time.time(), attempt=self.attempt + 1)

    def as_json(self) -> dict[str, Any]:
        """For the file, and for responses."""
        return {
            "id": self.id, "state": self.state, "prompt_id": self.prompt_id, "submitted": self.submitted,
            "seconds": round(self.seconds, 3), "progress": round(self.share, 3), "node": self.node, "ends": self.ends,
            "attempt": self.attempt,
            "files": [asdict(each) for each in self.files],
            "failure": self.failure.as_json() if self.failure else None,
        }  # fmt: skip


def prompt_id(job_id: str) -> str:
    """ComfyUI's id of a job's prompt."""
    return str(uuid.uuid5(_NAMESPACE, job_id))


def new_id() -> str:
    """An id that no other job has."""
    return uuid.uuid4().hex


def record_of(content: Mapping[str, Any]) -> Record | None:
    """The record in decoded JSON; None: it is none."""
    if not valid_id(content.get("id")) or content.get("state") not in (WAITING, QUEUED, RUNNING, *ENDED):
        return None
    record = Record(content["id"], content["state"], failure=failure_of(content.get("failure")))
    record.submitted, record.seconds, record.share = (
        _number(content.get(key)) for key in ("submitted", "seconds", "progress")
    )
    record.ends, record.attempt = int(_number(content.get("ends"))), int(_number(content.get("attempt")))
    record.node = str(content.get("node") or "")
    listed = content.get("files")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and all(
            isinstance(each.get(key), str) for key in ("node", "kind", "folder", "place")
        ):
            record.files.append(OutputFile(each["node"], each["kind"], each["folder"], each["place"]))
    return record


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


class Records:
    """The folder of the records."""

    def __init__(self, paths: Paths) -> None:
        self.folder = f"{paths.models_state}/jobs"

    def read(self, job_id: str) -> Record | None:
        """The record of a job; None: there is none that can be read."""
        return record_of(read_table(self._path(job_id))) if valid_id(job_id) else None

    def write(self, record: Record) -> None:
        """Keep a record; durable once the job has ended. Raises OSError."""
        os.makedirs(self.folder, exist_ok=True)
        write_json(self._path(record.id), record.as_json(), durable=record.state in ENDED)

    def forget(self, job_id: str) -> None:
        """Remove a record."""
        with contextlib.suppress(OSError):
            remove(self._path(job_id))

    def all(self) -> Iterator[Record]:
        """Every record, the newest first."""
        for name, _ in self._names():
            if record := record_of(read_table(f"{self.folder}/{name}")):
                yield record

    def sweep(self) -> None:
        """Remove what is old."""
        now = time.time()
        for index, (name, changed) in enumerate(self._names()):
            if index >= _KEPT or now - changed > _KEPT_S:
                record = record_of(read_table(f"{self.folder}/{name}"))
                if record is None or record.state in ENDED:
                    with contextlib.suppress(OSError):
                        remove(f"{self.folder}/{name}")

    def _path(self, job_id: str) -> str:
        return f"{self.folder}/{job_id}.json"

    def _names(self) -> list[tuple[str, float]]:
        found = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False):
                    found.append((entry.name, entry.stat(follow_symlinks=False).st_mtime))
        return sorted(found, key=lambda each: -each[1])
