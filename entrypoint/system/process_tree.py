"""A: a service's process and its descendants: memory, CPU time, threads, and how to end them (psutil)."""

import contextlib
import os
import signal

import psutil


def find(pid: int, parent: int) -> psutil.Process | None:
    """The process `pid` if it lives and is a child of supervisord; psutil keeps (pid, create time) in it."""
    try:
        process = psutil.Process(pid)
        return process if process.ppid() == parent else None
    except psutil.Error:
        return None


def memory(process: psutil.Process) -> int:
    """Bytes of private memory of a process and its descendants; shared pages would count many times."""
    used = 0
    for member in _tree(process):
        with contextlib.suppress(psutil.Error):
            info = member.memory_info()
            used += info.rss - info.shared
    return used


def cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process and its descendants, ended and waited-for children included."""
    used = 0.0
    for member in _tree(process):
        with contextlib.suppress(psutil.Error):
            used += sum(member.cpu_times()[:4])
    return used


def thread_ids(process: psutil.Process) -> frozenset[int]:
    """Kernel thread ids; empty if the process is gone."""
    try:
        return frozenset(map(int, os.listdir(f"/proc/{process.pid}/task")))
    except OSError:
        return frozenset()


def runs_below(process: psutil.Process, programs: tuple[str, ...]) -> bool:
    """Whether a descendant runs one of these programs, also as `python -m NAME` or as a script."""
    for member in _tree(process)[1:]:
        with contextlib.suppress(psutil.Error):
            if any(os.path.basename(word) in programs for word in member.cmdline()[:5]):
                return True
    return False


def end(process: psutil.Process, stop_signal: str, grace: float, whole_tree: bool) -> None:
    """Ask it to end, wait, then kill it (and its tree). psutil refuses to signal a recycled pid.

    Raises:
        PermissionError: It is another user's.
    """
    tree = _tree(process) if whole_tree else [process]
    try:
        process.send_signal(signal.Signals[f"SIG{stop_signal}"])
        process.wait(grace)
    except psutil.TimeoutExpired:
        with contextlib.suppress(psutil.Error):
            process.kill()
    except psutil.AccessDenied as error:
        raise PermissionError(1, f"process {process.pid} is another user's") from error
    except psutil.Error:
        pass
    for member in tree:
        with contextlib.suppress(psutil.Error):
            member.kill()


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]
