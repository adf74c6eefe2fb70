"""A: makes the overlay at a start, and puts the kept packages into it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from entrypoint.packages.distributions import distributions, site_packages
from entrypoint.packages.overlay import Overlay, finish, new_folder, prepare, remove_leftovers
from entrypoint.packages.record import Entry, Record, installed
from entrypoint.packages.store import CannotKeep, Store
from entrypoint.system.quiet_command import run_quietly

#: Archives unpacked at once: two processors and a network volume; 8 were no faster than 4.
_AT_ONCE = 4


@contextlib.contextmanager
def locked(overlay: Overlay) -> Iterator[None]:
    """Hold the overlay's lock: a start, a snapshot and a rollback exclude each other. It ends with the process."""
    folder = os.path.dirname(overlay.folder)
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(f"{folder}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def restore(overlay: Overlay, store: Store, record: Record) -> dict[str, str]:
    """Replace the overlay by one with the packages of `record`; returns package -> why it is missing.

    A process that runs keeps what it has loaded; what it loads later is the new one's. Hold the lock.

    Raises:
        OSError: The local disk refuses; a former overlay stays.
    """
    remove_leftovers(overlay)
    folder = new_folder(overlay)
    try:
        prepare(overlay, folder)
        stand_ins = distributions(site_packages(folder))
        entries = sorted(installed(record).values())
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            problems = list(pool.map(lambda entry: _unpack(store, entry, folder), entries))
        failed = {entry.name: problem for entry, problem in zip(entries, problems, strict=True) if problem}
        site = site_packages(folder)
        for entry in entries:
            stand_in = stand_ins.get(entry.name)
            if stand_in and entry.name not in failed and stand_in.version != entry.version:
                shutil.rmtree(f"{site}/{stand_in.info}")  # the kept package is installed in its place
        finish(overlay, folder, store.key)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return failed


def _unpack(store: Store, entry: Entry, folder: str) -> str:
    """Unpack one archive; returns why it could not be, and leaves no part of it, which would hide the image's."""
    part = f"{folder}/unpack-{os.urandom(6).hex()}"
    try:
        os.mkdir(part)
        store.unpack(entry.archive, part)
        _move_into(part, folder)
    except CannotKeep as error:
        return str(error)
    except OSError as error:
        return error.strerror or "unreadable"
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return ""


def _move_into(source: str, target: str) -> None:
    """Move a tree into another: a folder that is not there in one rename, else what is in it."""
    with os.scandir(source) as entries:
        for entry in list(entries):
            place = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                try:
                    os.rename(entry.path, place)  # refused where `place` has content
                except OSError:
                    os.makedirs(place, exist_ok=True)
                    _move_into(entry.path, place)
            else:
                os.replace(entry.path, place)


def run_trial(overlay: Overlay, modules: tuple[str, ...], timeout_s: float) -> str:
    """Import what ComfyUI imports; returns "" or the last line of what went wrong."""
    command = [overlay.python, "-c", "\n".join(f"import {name}" for name in modules)]
    try:
        ended = run_quietly(command, timeout_s)
    except subprocess.TimeoutExpired:
        return f"importing {', '.join(modules[:3])} ... takes longer than {timeout_s:.0f} s"
    except OSError as error:
        return f"{overlay.python}: {error.strerror}"
    return ended.last_error if ended.code else ""
