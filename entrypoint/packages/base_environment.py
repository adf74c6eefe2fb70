"""A: ComfyUI's environment in the image's variant `thin`: fetched behind the starting page, left on the volume.

The image has the locks of every torch, and no environment. The first start on a volume installs the parts from the
package index, by hash; the program `nodes` then keeps one archive for each part on the volume, from which later
containers unpack it. What is done is not done again: a start that was killed continues with the part that it was at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.packages.base_parts import PARTS, progress, torch_for
from entrypoint.packages.overlay import pip_environ
from entrypoint.packages.store import CannotKeep, Store
from entrypoint.settings.paths import Paths
from entrypoint.system.condition_store import raise_condition
from entrypoint.system.files import read_list, read_table, read_text, write_json
from entrypoint.system.quiet_command import one_line, run_quietly

#: The locks: a folder for each torch, with a file for each part.
LOCKS = "/opt/comfyui-locks"
#: The environment; the packages' folder of the image is this one always.
ENVIRONMENT = "/var/lib/podkeeper/packages/base/env"
ARRIVING = "ComfyUIArriving"
#: Seconds for one part from the index: 2.7 GB at 1 MB/s.
_LONGEST_S = 3000
_TELL_S = 3.0


class Base:
    """The environment of this pod.

    Attributes:
        folder: Where the environment and what is known of it are.
        torch: Which lock it is made of.
        store: Its archives on the volume.
    """

    def __init__(self, paths: Paths, wanted: str = "", locks: str = LOCKS) -> None:
        names = frozenset(os.listdir(locks))
        self.torch = torch_for(read_text("/proc/driver/nvidia/version") or "", wanted, names)
        self.folder = f"{paths.packages}/base"
        self._paths, self._locks = paths, f"{locks}/{self.torch}"
        texts = [read_text(f"{self._locks}/{part}.txt") or "" for part in PARTS]
        digest = hashlib.sha256("\0".join((sys.version, *texts)).encode()).hexdigest()[:12]
        self._key = f"{self.torch}-{digest}"
        self.store = Store(f"{paths.models_state}/comfyui-environment", self._key, "pod")

    @property
    def environment(self) -> str:
        """The virtual environment."""
        return f"{self.folder}/env"

    def archive(self, part: str) -> str:
        """The name of a part's archive."""
        return f"{part}.tar.zst"

    def done(self) -> list[str]:
        """The parts that are installed."""
        found = read_table(f"{self.folder}/parts.json")
        parts = found.get("done")
        return [str(part) for part in parts] if found.get("key") == self._key and isinstance(parts, list) else []

    def is_whole(self) -> bool:
        """Whether it is there, for these locks."""
        return set(self.done()) == set(PARTS)

    def arrive(self) -> None:
        """Bring what is missing.

        Raises:
            CannotDo: It cannot be had now; another start continues.
        """
        try:
            self._begin()
            missing = [part for part in PARTS if part not in self.done()]
            archives = bool(missing) and all(self._has(part) for part in missing)
            if archives:
                missing = self._unpack(missing)
            for part in missing:
                with self._told(part, archives=False):
                    self._install(part)
                self._note(part)
        except OSError as error:
            raise self._not_arrived(f"{error.filename or self.folder}: {error.strerror}") from None

    def _begin(self) -> None:
        os.makedirs(self.folder, exist_ok=True)
        if read_table(f"{self.folder}/parts.json").get("key") != self._key:
            shutil.rmtree(self.environment, ignore_errors=True)
            self._write([])

    def _unpack(self, missing: list[str]) -> list[str]:
        """Unpack the parts' archives; returns the parts that have to be installed all the same."""
        with self._told("", archives=True), ThreadPoolExecutor(len(PARTS)) as pool:
            problems = list(pool.map(self._unpack_one, missing))
        failed = [part for part, problem in zip(missing, problems, strict=True) if problem]
        for part, problem in zip(missing, problems, strict=True):
            if problem:
                print(f"comfyui: {self.store.archives}/{self.archive(part)}: {problem}; fetched again", flush=True)
        if failed:
            shutil.rmtree(self.environment, ignore_errors=True)  # half a part would look like a whole one to pip
            self._write([])
            return list(PARTS)
        self._write(list(PARTS))
        return []

    def _has(self, part: str) -> bool:
        """Whether the volume has the part; an empty one has no archive."""
        return self._is_empty(part) or self.store.has(self.archive(part))

    def _is_empty(self, part: str) -> bool:
        lines = (read_text(f"{self._locks}/{part}.txt") or "").splitlines()
        return not any(line and not line.startswith("#") for line in lines) and part != PARTS[0]  # which has the venv

    def _unpack_one(self, part: str) -> str:
        if self._is_empty(part):
            return ""
        try:
            self.store.unpack(self.archive(part), self.folder)
        except CannotKeep as error:
            return str(error)
        return ""

    def _install(self, part: str) -> None:
        before = set(_files(self.folder))
        python = f"{self.environment}/bin/python"
        if not os.path.exists(python):
            self._run([os.path.realpath(sys.executable), "-m", "venv", self.environment])
        lock = f"{self._locks}/{part}.txt"
        text = read_text(lock) or ""
        if text.strip():
            command = [python, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "-r", lock]
            command += ["--cache-dir", f"{self.folder}/cache", *(["--require-hashes"] if "--hash=" in text else [])]
            self._run(command)
        shutil.rmtree(f"{self.folder}/cache", ignore_errors=True)  # only what an interrupted part needs again
        write_json(f"{self.folder}/{part}.files.json", {"files": sorted(set(_files(self.folder)) - before)})

    def _run(self, command: list[str]) -> None:
        try:
            ended = run_quietly(command, _LONGEST_S, pip_environ())
        except subprocess.TimeoutExpired:
            raise self._not_arrived(f"it takes longer than {_LONGEST_S // 60} min") from None
        if ended.code:
            errors = [line for line in ended.errors if line.startswith("ERROR:")]
            raise self._not_arrived(one_line(errors[0].removeprefix("ERROR:")) if errors else ended.last_error)

    def _not_arrived(self, why: str) -> CannotDo:
        reason = f"ComfyUI's environment ({self.torch}) could not be fetched: {why}"
        return CannotDo(Condition("ComfyUINotArrived", reason, "it is tried again; what has arrived is kept"))

    def _note(self, part: str) -> None:
        self._write([*self.done(), part])

    def _write(self, done: list[str]) -> None:
        write_json(f"{self.folder}/parts.json", {"key": self._key, "done": done}, durable=True)

    @contextlib.contextmanager
    def _told(self, part: str, *, archives: bool) -> Iterator[None]:
        """Keep a condition with the progress while a part arrives."""
        over, start = threading.Event(), _used(self.folder)
        number = PARTS.index(part) + 1 if part else 0

        def tell() -> None:
            while True:
                reason = progress(part, number, max(_used(self.folder) - start, 0), archives=archives)
                with contextlib.suppress(OSError):
                    raise_condition(self._paths.runtime, Condition(ARRIVING, reason, "wait; JupyterLab works already"))
                if over.wait(_TELL_S):
                    return

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        print(f"comfyui: {progress(part, number, 0, archives=archives)}", flush=True)
        try:
            yield
        finally:
            over.set()
            teller.join()

    def keep(self, say: Callable[[str], None]) -> None:
        """Write an archive of every part to the volume that has none."""
        for part in self.done():
            names = [str(name) for name in read_list(f"{self.folder}/{part}.files.json", "files")]
            if names and not self.store.has(self.archive(part)):
                try:
                    size = self.store.keep(self.archive(part), self.folder, names)
                except CannotKeep as error:
                    say(f"ComfyUI's environment is not kept on the volume: {error}")
                    return
                say(f"ComfyUI's environment: {part} is kept on the volume ({size / 1e9:.1f} GB)")


def is_thin(locks: str = LOCKS) -> bool:
    """Whether this image fetches ComfyUI's environment."""
    return os.path.isdir(locks)


def _files(top: str) -> Iterator[str]:
    """Every file and link of the environment, relative to `top`."""
    for folder, folders, names in os.walk(f"{top}/env"):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
        for name in (*names, *links):
            yield os.path.relpath(f"{folder}/{name}", top)


def _used(folder: str) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
