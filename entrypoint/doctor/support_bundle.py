"""A: the support bundle: one .tar.gz with what a maintainer needs to understand a pod, without secrets.

It holds no files of the user: neither notebooks, nor pictures, nor workflows.
"""

from __future__ import annotations

import contextlib
import importlib.metadata as metadata
import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import psutil

from entrypoint import __version__
from entrypoint.doctor.finding import Finding, as_json, as_text
from entrypoint.settings.services import with_logs
from entrypoint.settings.settings import Settings
from entrypoint.status.collect import Collector
from entrypoint.status.snapshot import as_json as snapshot_json
from entrypoint.status.snapshot import make_snapshot
from entrypoint.system.attach import Pod
from entrypoint.system.files import open_regular
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.redaction import Redactor, without_queries

#: Bytes of each log's end that go into the bundle.
_TAIL = 512 << 10
#: The files of the runtime folder that go into the bundle; the others are sockets and secrets.
_RECORDS = (
    "programs.json", "restarts.json", "reports/models.json", "reports/outputs.json", "volumes.json",
    "reports/log_positions.json",
)  # fmt: skip


class Bundle:
    """A bundle in the making: a new file, 0600, and the secrets that its text must not contain."""

    def __init__(self, pod: Pod, path: str) -> None:
        """Make the file, and collect the secrets, while this process may.

        Raises:
            OSError: The file cannot be made, or exists already (FileExistsError).
        """
        self._pod, self._path, self._redactor = pod, path, Redactor(known_secrets(pod))
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o600)
        except FileExistsError:
            raise FileExistsError(17, "it exists already", path) from None

    def save(self, findings: list[Finding]) -> None:
        """Write the bundle. Raises OSError: the disk refuses; the file is removed, where this user may."""
        try:
            with os.fdopen(self._file, "w+b") as file:
                write_bundle(self._pod, findings, file, self._redactor)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
            raise


def write_bundle(pod: Pod, findings: list[Finding], file: BinaryIO, redactor: Redactor) -> None:
    """Write the bundle to `file`; in place of an unavailable part stands the reason."""
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in _parts(pod, findings, redactor):
            content = without_queries(redactor.text(text)).encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"podkeeper-support/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(content))


def _parts(pod: Pod, findings: list[Finding], redactor: Redactor) -> Iterator[tuple[str, str]]:
    yield "doctor.txt", as_text(findings)
    yield "doctor.json", as_json(findings)
    parts: dict[str, Callable[[], str]] = {
        "version.txt": lambda: f"podkeeper {__version__}\n",
        "status.json": lambda: _status(pod, redactor),
        "settings.txt": lambda: _settings(pod.settings),
        "packages.txt": _packages,
        "processes.txt": _processes,
        "mounts.txt": lambda: end_of("/proc/self/mountinfo"),
        "disks.txt": lambda: _output("df", "-hT"),
        "gpu.txt": lambda: _output("nvidia-smi"),
        "resolv.conf": lambda: end_of("/etc/resolv.conf", links=True),
        "jupyter_lab_config.py": lambda: end_of(f"{pod.paths.jupyter_config_folder}/jupyter_lab_config.py"),
    }
    parts |= {f"runtime/{os.path.basename(name)}": _reader(f"{pod.paths.runtime}/{name}") for name in _RECORDS}
    parts |= {f"log/{name}": _reader(f"{pod.paths.log}/{name}") for name in _logs(pod.paths.log)}
    for name, part in parts.items():
        try:
            yield name, part()
        except (OSError, subprocess.SubprocessError, psutil.Error) as error:
            yield name, f"(unavailable: {error})\n"


def _reader(path: str) -> Callable[[], str]:
    return lambda: end_of(path)


def end_of(path: str, *, links: bool = False) -> str:
    """Return the end of a text file, from the start of a line."""
    with open_regular(path, links=links) as file:
        if os.fstat(file.fileno()).st_size > _TAIL:
            file.seek(-_TAIL, os.SEEK_END)
            file.readline()
        return file.read(_TAIL).decode("utf-8", "replace")


def _logs(folder: str) -> list[str]:
    """Return the names of the pod's log files; in the image, the folder holds the system's logs, too."""
    names = tuple(program.log_file for program in with_logs())
    try:
        return sorted(name for name in os.listdir(folder) if name.startswith(names))
    except OSError:
        return []


def _status(pod: Pod, redactor: Redactor) -> str:
    collector = Collector(pod.settings, pod.paths)
    return json.dumps(snapshot_json(make_snapshot(pod.settings, collector.collect()), redactor), indent=1)


def _settings(settings: Settings) -> str:
    """Return the settings without the secrets, one a line."""
    return "".join(f"{name}={text}\n" for name, text in sorted(settings.to_environ().items()))


def _packages() -> str:
    found = {f"{each.name}=={each.version}" for each in metadata.distributions()}
    return "\n".join(sorted(found, key=str.lower)) + "\n"


def _processes() -> str:
    lines = ["   PID   PPID  MiB state    command"]
    for process in psutil.process_iter(["pid", "ppid", "memory_info", "status", "cmdline"]):
        info = process.info
        mib = (info["memory_info"].rss >> 20) if info["memory_info"] else 0
        command = " ".join(info["cmdline"] or ())[:300]
        if not command:
            continue  # a kernel thread
        lines.append(f"{info['pid']:6} {info['ppid']:6} {mib:4} {info['status']:8} {command}")
    return "\n".join(lines) + "\n"


def _output(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return ended.stdout + ended.stderr
