"""A: looks at /proc: jobs in terminals, ssh sessions, downloads, the processor; and at what terminals print."""

from __future__ import annotations

import os
import re
import time

from entrypoint.meter.foreground import Process, descendants, jobs, parse, ticks_between, transfers

#: An ssh session after its login, as sshd names its process (`setproctitle`): "sshd: root@pts/0", "sshd-session: root",
#: not "sshd: root [priv]" of a login that is tried, and not the listener.
_SESSION = re.compile(r"sshd(?:-session)?: [^\s\[\]]+\0*")
#: Commands that work: `podkeeper status` and the like do not.
_OWN = re.compile(r"\0entrypoint\.commands\.(models|nodes|workflow|packages|comfyui|export)\0")
_SSHD = ("sshd", "sshd-session")
#: Share of one core that counts as work. An idle pod with a page open uses 0.02 to 0.05.
BUSY_CORES = 0.25
_TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """Looks at the pod's processes. `top`: only those below it; 0: all that this container shows."""

    def __init__(self, top: int, proc: str = "/proc", terminals: str = "/dev/pts") -> None:
        self._top, self._proc, self._terminals = top, proc, terminals
        self._ticks: dict[int, int] | None = None
        self._at = 0.0
        self._outputs: dict[str, tuple[float, float]] | None = None

    def look(self) -> str:
        """What is at work, "" for nothing. Raises OSError: /proc cannot be read."""
        found = self._read()
        if names := jobs(found):
            return f"a terminal runs {', '.join(names[:3])}"
        if session := next((each for each in found if each.name in _SSHD and self._is_session(each.pid)), None):
            return f"an ssh session is open (pid {session.pid})"
        if names := transfers(found):
            return f"{', '.join(names[:3])} runs"
        if command := next(filter(None, (self._own_command(each) for each in found)), ""):
            return f"podkeeper {command} runs"
        return self._processor(found)

    def output(self) -> str:
        """Whether a terminal has printed or read something since the last call: the kernel notes that in the times of
        its device, every 8 s (tty_update_time)."""
        if self._top:
            return ""  # the machine has other terminals
        before, times = self._outputs, {}
        for name in os.listdir(self._terminals) if os.path.isdir(self._terminals) else ():
            if name.isdigit():
                try:
                    found = os.stat(f"{self._terminals}/{name}")
                except OSError:  # it was closed meanwhile
                    continue
                times[name] = (found.st_atime, found.st_mtime)
        self._outputs = times
        changed = [name for name, each in times.items() if before is not None and before.get(name) != each]
        return f"a terminal has output (pts/{changed[0]})" if changed else ""

    def _read(self) -> list[Process]:
        own, found = os.getpid(), []
        for name in os.listdir(self._proc):
            if name.isdigit():
                try:
                    with open(f"{self._proc}/{name}/stat", "rb", buffering=0) as file:
                        process = parse(file.read(1024))
                except OSError:  # it has ended
                    continue
                if process and process.pid != own:
                    found.append(process)
        if not found:
            raise OSError(f"{self._proc} shows no processes")  # hidepid
        return descendants(found, self._top) if self._top else found

    def _is_session(self, pid: int) -> bool:
        return bool(_SESSION.fullmatch(self._command_line(pid)))

    def _own_command(self, process: Process) -> str:
        """The command of podkeeper's that the process runs, without a terminal (`docker exec`): a download, mostly."""
        found = _OWN.search(self._command_line(process.pid)) if process.name.startswith("python") else None
        return found[1] if found else ""

    def _command_line(self, pid: int) -> str:
        try:
            with open(f"{self._proc}/{pid}/cmdline", "rb", buffering=0) as file:
                return file.read(512).decode(errors="replace")
        except OSError:  # it has ended
            return ""

    def _processor(self, found: list[Process]) -> str:
        """Whether the processes used the processor since the last look."""
        before, self._ticks = self._ticks, {each.pid: each.ticks for each in found}
        since, self._at = self._at, time.monotonic()
        if before is None:
            return ""
        cores = ticks_between(before, found) / _TICKS / max(0.1, self._at - since)
        if cores < BUSY_CORES:
            return ""
        top = max(found, key=lambda each: each.ticks - before.get(each.pid, 0))
        return f"the processor is at work ({cores:.1f} cores, most of it {top.name})"
