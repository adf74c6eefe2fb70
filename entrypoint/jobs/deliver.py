"""A: copies a job's files to a folder: whole or not at all, and never over another file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.outcome import OutputFile
from entrypoint.settings.paths import Paths
from entrypoint.system.files import open_regular, sync_folder


def path_of(paths: Paths, file: OutputFile) -> str:
    """Where ComfyUI has written a file."""
    return f"{paths.data}/{file.folder}/{file.place}"


def deliver(paths: Paths, job_id: str, files: list[OutputFile], folder: str) -> list[str]:
    """Copy the files; returns their paths, in order. A job that is delivered again finds its files.

    Raises:
        JobFailed: NotDelivered.
    """
    return [_copy(path_of(paths, each), folder, each.place, job_id) for each in files]


def _copy(source: str, folder: str, place: str, job_id: str) -> str:
    target = f"{folder}/{place}"
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            if _same(source, target):
                return target
            stem, ending = os.path.splitext(target)
            target = f"{stem}-{job_id[:16]}{ending}"
            if os.path.lexists(target) and _same(source, target):
                return target
        _copy_whole(source, target)
    except OSError as error:
        where = error.filename or target
        raise JobFailed(Failure("NotDelivered", f"cannot write {where}: {error.strerror}",
            "correct --out; the files are in ComfyUI's output folder")) from None  # fmt: skip
    return target


def _copy_whole(source: str, target: str) -> None:
    temporary = f"{os.path.dirname(target)}/.podkeeper-{os.urandom(8).hex()}.tmp"
    try:
        with open_regular(source) as reader, open(temporary, "xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        os.replace(temporary, target)
        sync_folder(os.path.dirname(target))
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _same(one: str, other: str) -> bool:
    with contextlib.suppress(OSError):
        return os.path.getsize(one) == os.path.getsize(other) and _digest(one) == _digest(other)
    return False


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.digest()
