"""A: runs rclone: lists files with their hashes, and copies them.

Secrets are in the child's environment and in a 0600 file, never in its arguments. The child dies with
this process (prctl(2), PR_SET_PDEATHSIG): a copy that runs on would race the next start's.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from entrypoint.models.transport.environment import certificates
from entrypoint.outputs.choose import Entry
from entrypoint.outputs.problems import RCLONE_MISSING, Problem, problem_of
from entrypoint.outputs.remote import Remote
from entrypoint.system.files import write_atomically

#: Seconds for a list of a batch's files; a copy ends by rclone's own time-outs, however large the files are.
_LIST_S = 180.0
#: Hashes of the files here: one of these is what a store can compare with. (SHA-256 names a file whose name is taken.)
HASHES = ("md5", "sha1", "sha256", "dropbox", "quickxor")
#: `--ignore-checksum`: else rclone deletes what did not arrive whole; the list afterwards verifies.
_COPY = (
    "copy", "--copy-links", "--ignore-checksum", "--retries", "1", "--transfers", "4", "--checkers", "8",
    "--multi-thread-streams", "0", "--buffer-size", "4M",
)  # fmt: skip
_LIST = ("lsjson", "--recursive", "--files-only", "--hash", "--no-mimetype", "--copy-links", "--retries", "1")
_COMMON = (
    "--files-from-raw", "-", "--no-traverse", "--use-json-log", "--log-level", "ERROR", "--stats", "0",
    "--ask-password=false", "--contimeout", "15s", "--timeout", "60s", "--low-level-retries", "3",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_LARGEST = 16 << 20


class RcloneFailed(Exception):
    """rclone could do nothing of what it was asked for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class _Ended(NamedTuple):
    code: int
    stdout: bytes
    errors: Mapping[str, str]  # file, or "" -> rclone's words


class Rclone:
    """rclone for one destination. `waiting` is called about once a second while a copy runs."""

    def __init__(self, remote: Remote, home: str, waiting: Callable[[], None]) -> None:
        """`home`: a folder of this program's user. Raises OSError: it cannot be written."""
        self._remote, self._waiting = remote, waiting
        self._environ = os.environ | {"HOME": home, "TZ": "UTC"} | remote.environ
        # rclone 1.60 refuses to run with AWS_CA_BUNDLE (LoadCustomCABundleError), and knows none of the others.
        files = [self._environ.pop("AWS_CA_BUNDLE", ""), *certificates(self._environ)[0]]
        found = next(filter(os.path.isfile, files), "")
        self._common = (*_COMMON, "--config", self._config_file(home), *(("--ca-cert", found) if found else ()))

    def list_there(self, names: Iterable[str]) -> dict[str, Entry]:
        """Those of the files that the destination has. Raises RcloneFailed."""
        return self._list(self._remote.path, names, (), ())

    def list_here(self, folder: str, names: Iterable[str], descriptors: Sequence[int]) -> dict[str, Entry]:
        """Those files of a folder whose links lead to `descriptors`. Raises RcloneFailed."""
        types = [word for name in HASHES for word in ("--hash-type", name)]
        return self._list(folder, names, types, descriptors)

    def copy(self, folder: str, names: Iterable[str], descriptors: Sequence[int], *, over: bool) -> Mapping[str, str]:
        """Copy files of a folder to the destination; returns file, or "", -> rclone's words about a failure.

        `over`: a file of the same name there is replaced, else it is left alone. Raises RcloneFailed: there is none.
        """
        more = ("--ignore-times",) if over else ("--immutable",)
        return self._run((*_COPY, *more, folder, self._remote.path), names, descriptors, None).errors

    def _list(
        self, place: str, names: Iterable[str], more: Sequence[str], descriptors: Sequence[int]
    ) -> dict[str, Entry]:
        ended = self._run((*_LIST, *more, place), names, descriptors, _LIST_S)
        if ended.code or ended.errors:
            # An S3 store says "NoSuchBucket" where there is no bucket, and other stores that there is no folder yet.
            words = next(iter(ended.errors.values()), "")
            if "directory not found" in words:
                return {}
            raise RcloneFailed(problem_of(words))
        try:
            entries = json.loads(ended.stdout or b"[]")
            return {each["Path"]: _entry(each) for each in entries}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RcloneFailed(problem_of("its list cannot be read")) from None

    def _run(
        self, words: Sequence[str], names: Iterable[str], descriptors: Sequence[int], timeout: float | None
    ) -> _Ended:
        program = shutil.which("rclone", path=self._environ.get("PATH"))
        if program is None:
            raise RcloneFailed(RCLONE_MISSING)
        with contextlib.ExitStack() as stack:
            out, log = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            process = subprocess.Popen(
                [program, *words, *self._common],
                stdin=subprocess.PIPE, stdout=out, stderr=log, env=self._environ, pass_fds=descriptors,
                preexec_fn=_die_with_parent,  # this process has one thread
            )  # fmt: skip
            try:
                with contextlib.suppress(BrokenPipeError):
                    process.communicate("".join(f"{name}\n" for name in names).encode(), timeout=0.01)
            except subprocess.TimeoutExpired:
                pass
            code = self._wait(process, timeout)
            for file in (out, log):
                file.seek(0)
            return _Ended(code, out.read(_LARGEST), _errors(log.read(_LARGEST), code))

    def _wait(self, process: subprocess.Popen[bytes], timeout: float | None) -> int:
        began = time.monotonic()
        try:
            while timeout is None or time.monotonic() - began < timeout:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=1.0)
                    return process.returncode
                self._waiting()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return -signal.SIGKILL

    def _config_file(self, home: str) -> str:
        """The configuration's path. rclone renews the tokens in it, of Google Drive for example."""
        if not self._remote.config:
            return self._remote.config_path or "/notfound"  # rclone.org/docs/#config-string: no file
        os.makedirs(f"{home}/rclone", mode=0o700, exist_ok=True)
        write_atomically(f"{home}/rclone/rclone.conf", self._remote.config, 0o600, durable=False)
        return f"{home}/rclone/rclone.conf"


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _entry(each: Mapping[str, Any]) -> Entry:
    hashes = {str(name): str(text) for name, text in (each.get("Hashes") or {}).items()}
    return Entry(int(each["Size"]), hashes, str(each.get("ModTime", "")))


def _errors(log: bytes, code: int) -> dict[str, str]:
    """File, or "", -> rclone's words; the first of each counts."""
    found: dict[str, str] = {}
    for line in log.decode(errors="replace").splitlines():
        try:
            entry = json.loads(line)
            name, words = str(entry.get("object", "")), str(entry["msg"])
        except (ValueError, KeyError, TypeError, AttributeError):
            name, words = "", line
        if words.strip():
            found.setdefault(name, words)
    if code < 0:
        found.setdefault("", "it did not end in time")
    elif code and not found:
        found[""] = f"it ended with code {code}"
    return found
