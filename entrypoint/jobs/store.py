"""A: delivers a job's files to a store (`--out s3://...`, `--out REMOTE:PATH`), by rclone and as OUTPUTS_TO does: read
back and compared, and never over another file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

from entrypoint.jobs.deliver import path_of
from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.outcome import OutputFile
from entrypoint.outputs.deliver import Delivered, deliver
from entrypoint.outputs.names import Found
from entrypoint.outputs.problems import NO_HUB, Problem
from entrypoint.outputs.rclone import Rclone, RcloneFailed
from entrypoint.outputs.remote import remote
from entrypoint.outputs.secrets import redactor_of
from entrypoint.settings.destinations import Destination, destination
from entrypoint.settings.paths import Paths

_ATTEMPTS, _LONGEST_WAIT_S = 4, 30.0


def is_store(out: str) -> bool:
    """Whether `--out` names a store; a folder with a colon in its name is `./a:b`."""
    return "://" in out or (":" in out and not out.startswith(("/", ".", "~")))


class Store:
    """The store.

    Args:
        out: `s3://BUCKET/PREFIX` or `REMOTE:PATH`.
        secrets: Variables for rclone.
        home: An empty folder of this process's user.

    Raises:
        JobFailed: BadRequest, it is none; NotDelivered, it refuses: told before the job has cost an hour.
    """

    def __init__(self, out: str, secrets: Mapping[str, str], home: str) -> None:
        self._out, self._home = out, home
        try:
            self._to: Destination = destination(out)
        except ValueError as error:
            raise JobFailed(Failure("BadRequest", f"--out {out}: {error}", "or a folder: ./NAME")) from None
        if self._to.kind == "hf":
            raise JobFailed(Failure("BadRequest", f"--out {out}: {NO_HUB.reason}", NO_HUB.remedy))
        given = dict(secrets)
        to = remote(self._to, given)
        self._redactor = redactor_of(given, to)
        self._rclone = Rclone(to, home, lambda: None)
        try:
            self._rclone.list_there([f".podkeeper-{os.urandom(8).hex()}"])
        except RcloneFailed as error:
            raise self._failed("", error.problem) from None

    def deliver(self, paths: Paths, files: list[OutputFile]) -> list[str]:
        """Copy the files; returns their addresses, in order. One that is there already is not sent again.

        Raises:
            JobFailed: NotDelivered.
        """
        return [self._to.address_of(self._one(paths, each)) for each in files]

    def _one(self, paths: Paths, file: OutputFile) -> str:
        folder = path_of(paths, file).removesuffix(f"/{file.place}")
        again = Retrying(
            stop=stop_after_attempt(_ATTEMPTS), wait=wait_exponential(max=_LONGEST_WAIT_S),
            retry=retry_if_result(lambda delivered: bool(delivered.failed)),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )  # fmt: skip
        try:
            status = os.stat(f"{folder}/{file.place}")
            batch = {file.place: Found(status.st_size, status.st_mtime_ns)}
            result: Delivered = again(deliver, self._rclone, folder, f"{self._home}/stage", batch)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
            raise self._failed(file.place, Problem(reason, "run it again; the file is in ComfyUI's folder")) from None
        for problem in result.failed.values():
            raise self._failed(file.place, problem)
        if file.place not in result.arrived:
            raise self._failed(file.place, Problem("the file is gone", "run the job again with another --id"))
        return result.arrived[file.place].name

    def _failed(self, name: str, problem: Problem) -> JobFailed:
        words = f"{name}: {problem.reason}" if name else problem.reason
        return JobFailed(Failure("NotDelivered", f"cannot deliver to {self._out}: {self._redactor.text(words)}",
            problem.remedy))  # fmt: skip


@contextlib.contextmanager
def opened(out: str, secrets: Mapping[str, str]) -> Iterator[Store]:
    """The store, with a folder for its secrets that goes with it. Raises JobFailed."""
    with contextlib.ExitStack() as stack:
        try:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="podkeeper-run-"))
            store = Store(out, secrets, home)
        except OSError as error:
            reason = f"cannot prepare the copy to {out}: {error.filename}: {error.strerror}"
            raise JobFailed(Failure("NotDelivered", reason, "check the pod's disk: podkeeper doctor")) from None
        yield store
