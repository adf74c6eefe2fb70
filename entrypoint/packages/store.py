"""A: the store on the volume: one archive a package, named by its content, and the records of every pod.

`<store>/<key>/archives/<name>-<version>-<hash>.tar.zst`, `<key>/records/<pod>.json`, `<key>/good.json`. An archive is
never changed, so pods share them without a lock.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Sequence

from entrypoint.packages.record import Entry, Record, dominated, installed, merged, parse, text_of, updated
from entrypoint.system.files import read_bytes, remove, write_atomically
from entrypoint.system.quiet_command import one_line

#: Seconds for which an archive without a use is kept: another pod may be about to name it.
UNUSED_FOR = 24 * 3600
#: zstd's fastest level: 2.6 GB became 0.8 GB, and the disk is not the bottleneck when it is read back.
_COMPRESS = ("zstd", "-q", "-1", "-c")
_EXTRACT = ("zstd", "-q", "-d", "-c")


class CannotKeep(Exception):
    """An archive cannot be written or read; the message says why."""


class Store:
    """The packages kept for one environment.

    Attributes:
        key: The environment's key (`distributions.key_of`).
        pod: This pod's name, under which its record is written.
    """

    def __init__(self, folder: str, key: str, pod: str) -> None:
        self.folder, self.key, self.pod = folder, key, pod
        self.archives = f"{folder}/{key}/archives"
        self._records = f"{folder}/{key}/records"

    def record(self) -> dict[str, Entry]:
        """What all pods say together."""
        return merged(self._read(f"{self._records}/{name}") for name in _names(self._records, ".json"))

    def own_record(self) -> dict[str, Entry]:
        """What this pod has written."""
        return self._read(f"{self._records}/{self.pod}.json")

    def write_record(self, record: Record) -> None:
        """Write this pod's record. Raises OSError: the volume refuses."""
        os.makedirs(self._records, exist_ok=True)
        write_atomically(f"{self._records}/{self.pod}.json", text_of(record))

    def forget(self, name: str) -> None:
        """Write that a package is removed. Raises OSError: the volume refuses."""
        record = self.record()
        kept = {other: entry for other, entry in installed(record).items() if other != name}
        self.write_record(updated(record, kept, [name], time.time()))

    def good(self) -> dict[str, Entry]:
        """The last set of packages with which ComfyUI responded; {} before there is one."""
        return self._read(f"{self.folder}/{self.key}/good.json")

    def write_good(self, record: Record) -> None:
        """Write the last good set. Raises OSError: the volume refuses."""
        os.makedirs(f"{self.folder}/{self.key}", exist_ok=True)
        write_atomically(f"{self.folder}/{self.key}/good.json", text_of(installed(record)))

    def has_good(self) -> bool:
        """Whether there is a last good set; it may be empty: the image's packages alone."""
        return os.path.isfile(f"{self.folder}/{self.key}/good.json")

    def other_keys(self) -> list[str]:
        """The keys of other images, the last written first."""
        found = []
        for name in _names(self.folder):
            with contextlib.suppress(OSError):
                found.append((os.stat(f"{self.folder}/{name}/records").st_mtime, name))
        return [name for _, name in sorted(found, reverse=True) if name != self.key]

    def under(self, key: str) -> Store:
        """The packages kept for another image."""
        return Store(self.folder, key, self.pod)

    def adopted(self) -> bool:
        """Whether another image's packages were installed for this one."""
        return os.path.isfile(f"{self.folder}/{self.key}/adopted")

    def mark_adopted(self) -> None:
        """Note that they were. Raises OSError: the volume refuses."""
        os.makedirs(f"{self.folder}/{self.key}", exist_ok=True)
        write_atomically(f"{self.folder}/{self.key}/adopted", "")

    def has(self, archive: str) -> bool:
        """Whether the archive is there, whole: it gets its name once it is."""
        return os.path.isfile(f"{self.archives}/{archive}")

    def keep(self, archive: str, top: str, names: Sequence[str]) -> int:
        """Write an archive of the files `names` below `top`; returns its size in bytes.

        Raises:
            CannotKeep: The volume is full or read-only, or tar or zstd fails.
        """
        temporary = f"{self.archives}/.{os.urandom(6).hex()}.part"
        try:
            os.makedirs(self.archives, exist_ok=True)
            with open(temporary, "xb") as out:
                _pack(top, names, out.fileno())
                os.fsync(out.fileno())
                size = out.tell() or os.fstat(out.fileno()).st_size
            os.rename(temporary, f"{self.archives}/{archive}")
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise CannotKeep(f"{self.archives}: {error.strerror}") from error
        except CannotKeep:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        return size

    def unpack(self, archive: str, top: str) -> None:
        """Unpack an archive below `top`.

        Raises:
            CannotKeep: It is missing or damaged; what was unpacked before the damage stays.
        """
        path = f"{self.archives}/{archive}"
        with subprocess.Popen([*_EXTRACT, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as expand:
            command = ["tar", "-C", top, "--no-same-owner", "-xf", "-"]
            unpacked = subprocess.run(command, stdin=expand.stdout, stderr=subprocess.PIPE, check=False)
            if expand.stdout:
                expand.stdout.close()
            problem = expand.stderr.read() if expand.stderr else b""
        if expand.returncode or unpacked.returncode:
            raise CannotKeep(_last_line(problem) or _last_line(unpacked.stderr) or "it is damaged")

    def collect_garbage(self, now: float | None = None) -> list[str]:
        """Remove archives and parts that no record of any pod needs, and records that another one contains; returns
        their names. Only what is older than UNUSED_FOR seconds: another pod may be about to use it."""
        now = time.time() if now is None else now
        record = self.record()
        needed = {entry.archive for each in (record, self.good()) for entry in each.values()}
        unused = [(self.archives, name) for name in _names(self.archives) if name not in needed]
        for name in _names(self._records, ".json"):
            own = name == f"{self.pod}.json"
            if not own and dominated(self._read(f"{self._records}/{name}"), self.own_record()):
                unused.append((self._records, name))
        removed = []
        for folder, name in unused:
            with contextlib.suppress(OSError):
                if now - os.lstat(f"{folder}/{name}").st_mtime > UNUSED_FOR:
                    remove(f"{folder}/{name}")
                    removed.append(name)
        return removed

    @staticmethod
    def _read(path: str) -> dict[str, Entry]:
        try:
            return parse(read_bytes(path))
        except (OSError, UnicodeDecodeError):
            return {}


def _pack(top: str, names: Iterable[str], out: int) -> None:
    tar_command = ["tar", "-C", top, "--no-recursion", "--null", "-T", "-", "-cf", "-"]
    with (
        subprocess.Popen(tar_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tar,
        subprocess.Popen(_COMPRESS, stdin=tar.stdout, stdout=out, stderr=subprocess.PIPE) as compress,
    ):
        assert tar.stdin and tar.stdout and tar.stderr and compress.stderr  # noqa: PT018, S101 # for the type checker
        tar.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            tar.stdin.write(b"\0".join(os.fsencode(name) for name in names))
            tar.stdin.close()
        problem = compress.stderr.read() or tar.stderr.read()
    if tar.returncode or compress.returncode:
        raise CannotKeep(_last_line(problem) or "tar or zstd failed")


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return one_line(lines[-1]) if lines else ""


def _names(folder: str, ending: str = "") -> list[str]:
    try:
        return [name for name in sorted(os.listdir(folder)) if name.endswith(ending)]
    except OSError:
        return []
