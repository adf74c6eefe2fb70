"""A: one pod for each runtime folder: the lock of a running pod, what a killed one left behind, and its inner ports."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import sys
import time
from dataclasses import replace
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings, services_with_a_door
from entrypoint.system.files import read_table, read_text
from entrypoint.system.ports import free_port, is_free

_LOCK = "lock"
#: Errors of file systems without locks (NFS without lockd, some FUSE): go on without one.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
#: Seconds between SIGTERM and SIGKILL for a process of a killed pod.
_GRACE_S = 3.0
#: Seconds by which the kernel's start time of a process and the recorded one may differ.
_SAME_START_S = 5.0


class Running(Exception):
    """Another pod uses the folder; the message is one line for the user."""


def take_lock(paths: Paths) -> None:
    """Lock the runtime folder for this process and the supervisord that it becomes.

    A POSIX record lock (fcntl(2)): it survives exec, belongs to this process alone, not to its children, and ends with
    it, also after a kill -9. So no stale file can keep a pod from starting.

    Raises:
        Running: Another process holds it.
    """
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(f"{paths.runtime}/{_LOCK}", flags, 0o600)
    except OSError:
        return  # whatever is there is no lock of ours; the start removes it
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return
        pid = (read_text(f"{paths.runtime}/supervisord.pid") or "?").strip()[:20]
        where = os.path.dirname(paths.runtime)
        raise Running(f"a pod runs in {where} already (supervisord has process id {pid}); stop it, or start this one "
                      "with another PODKEEPER_HOME and other ports") from None  # fmt: skip
    os.set_inheritable(descriptor, True)  # through exec; supervisord closes it in every child


def end_leftovers(paths: Paths) -> None:
    """End the programs of a pod whose supervisord was killed; call it with the lock held.

    They are found by what that supervisord recorded, the process id and the start time, never by name. What users
    started in JupyterLab's terminals, and left running with nohup or tmux, is not among them.
    """
    recorded = read_table(f"{paths.runtime}/programs.json")
    programs = recorded.get("programs")
    if recorded.get("supervisord") == os.getpid() or not isinstance(programs, dict):
        return
    found = {}
    for name, facts in programs.items():
        pid, started = (facts.get("pid"), facts.get("started")) if isinstance(facts, dict) else (None, None)
        if isinstance(pid, int) and pid > 1 and isinstance(started, int | float) and _started(pid, started):
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


def _started(pid: int, at: float) -> bool:
    """Whether process `pid` runs since `at`, in seconds since 1970: the kernel may have given its id to another."""
    text = read_text(f"/proc/{pid}/stat") or ""
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] == "Z":
        return False
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    age = now - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return abs((time.time() - age) - at) < _SAME_START_S


def with_free_inner_ports(settings: Settings) -> Settings:
    """The settings with another inner port for each that is taken on the loopback: the door alone has to know it.

    Else a service would not start, and what another pod responds there would be taken for this one's.
    """
    moved: dict[str, Any] = {}
    for name in services_with_a_door():
        public, inner = getattr(settings, f"{name}_port"), getattr(settings, f"{name}_internal_port")
        if getattr(settings, f"{name}_enabled") and public != inner and not is_free("127.0.0.1", inner):
            moved[f"{name}_internal_port"] = free_port()
    for setting, port in moved.items():
        taken = getattr(settings, setting)
        print(f"podkeeper: {setting.upper()} {taken} is taken; {port} is used", file=sys.stderr)
    return replace(settings, **moved)
