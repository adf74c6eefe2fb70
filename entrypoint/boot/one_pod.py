"""A: one pod for each runtime folder: the lock of a running pod, what a killed one left behind, and free ports."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
import sys
import time
from dataclasses import replace
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings, services_with_a_door
from entrypoint.system.files import read_table, read_text, remove
from entrypoint.system.folders import FOLDER
from entrypoint.system.ports import by, free_port, problem_at

_LOCK = "lock"
#: Errors of a lock that another process holds (fcntl(2), F_SETLK).
_HELD = (errno.EACCES, errno.EAGAIN)
#: Seconds between SIGTERM and SIGKILL for a process of a killed pod.
_GRACE_S = 3.0
#: Seconds by which the kernel's start time of a process and the recorded one may differ.
_SAME_START_S = 5.0
#: A time beyond every clock: programs.json may hold a number that no float can.
_END_OF_TIME = 2**40


class Running(Exception):
    """Another pod uses the folder; the message is one line for the user."""


def take_lock(paths: Paths) -> None:
    """Lock the runtime folder for this process and the supervisord that it becomes.

    A POSIX record lock (fcntl(2)): it survives exec, belongs to this process alone, not to its children, and ends with
    it, also after a kill -9. So no stale file can keep a pod from starting.

    Raises:
        Running: Another process holds it.
    """
    descriptor = _open_lock(paths.runtime)
    if descriptor is None:
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise _running(paths) from None
        return  # a file system without locks (NFS without lockd, some FUSE): end_leftovers finds a running pod, too
    os.set_inheritable(descriptor, True)  # through exec; supervisord closes it in every child


def _open_lock(runtime: str) -> int | None:
    """Open the lock, in place of anything that is no file of ours; None where that is impossible."""
    folder = os.open(runtime, FOLDER)
    try:
        with contextlib.suppress(FileNotFoundError):
            found = os.lstat(_LOCK, dir_fd=folder)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                remove(_LOCK, dir_fd=folder)  # a folder or FIFO cannot be locked, a link leads elsewhere
        return os.open(_LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)


def end_leftovers(paths: Paths) -> None:
    """End the programs of a pod whose supervisord was killed.

    They are found by what that supervisord recorded, the process id and the start time, never by name. What users
    started in JupyterLab's terminals, and left running with nohup or tmux, is not among them.

    Raises:
        Running: They are still that supervisord's children, so it runs, though it has no lock.
    """
    recorded = read_table(f"{paths.runtime}/programs.json")
    programs, supervisord = recorded.get("programs"), recorded.get("supervisord")
    if supervisord == os.getpid() or not isinstance(programs, dict):
        return
    found = {}
    for name, facts in programs.items():
        pid, started = (facts.get("pid"), facts.get("started")) if isinstance(facts, dict) else (None, None)
        if isinstance(pid, int) and pid > 1 and isinstance(started, int | float) and 0 < started < _END_OF_TIME:
            parent = _parent(pid, started)
            if parent and parent == supervisord:
                raise _running(paths)
            if parent:
                found[pid] = str(name)
    if not found:
        return
    print(f"podkeeper: ending what a killed pod has left: {', '.join(sorted(found.values()))}", file=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            with contextlib.suppress(OSError):
                os.killpg(pid, number) if os.getpgid(pid) == pid else os.kill(pid, number)
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in found):
            time.sleep(0.05)


def _running(paths: Paths) -> Running:
    pid = (read_text(f"{paths.runtime}/supervisord.pid") or "?").strip()[:20]
    where = os.path.dirname(paths.runtime)
    return Running(
        f"a pod runs in {where} already (supervisord has process id {pid}); stop it, or start this one "
        "with another PODKEEPER_HOME and other ports"
    )


def _parent(pid: int, at: float) -> int:
    """The parent of process `pid`; 0 where none runs that started at `at`, in seconds since 1970: the kernel may have
    given the id to another."""
    text = read_text(f"/proc/{pid}/stat") or ""
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] == "Z":
        return 0
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    age = now - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return int(fields[1]) if abs((time.time() - age) - at) < _SAME_START_S else 0


def with_free_ports(settings: Settings) -> Settings:
    """The settings with another port for each on which a service could not listen on the loopback.

    Else the service would not start, and what another pod responds there would be taken for this one's. Behind the door
    only the door has to know the port. Without a door it is the one users know: the banner shows the new one, and no
    probe could tell the services apart, ComfyUI having no login, except by sending the token to another's server.
    """
    moved: dict[str, Any] = {}
    for name in services_with_a_door():
        public, inner = f"{name}_port", f"{name}_internal_port"
        port = getattr(settings, inner)
        problem = problem_at("127.0.0.1", port) if getattr(settings, f"{name}_enabled") else ""
        if problem:
            without_door = port == getattr(settings, public)
            moved |= dict.fromkeys((public, inner) if without_door else (inner,), free_port())
            variable = (public if without_door else inner).upper()
            print(
                f"podkeeper: cannot use {variable}={port}: {problem}{by(port)}; {moved[inner]} is used", file=sys.stderr
            )
    return replace(settings, **moved)
