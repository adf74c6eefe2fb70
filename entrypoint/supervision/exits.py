"""P: why a program ended, in words a user can act on."""

import signal
from typing import NamedTuple


class Reason(NamedTuple):
    """Why a program was (or has to be) started again."""

    kind: str
    """exit | signal | oom | hang | memory | startup | worker | cuda | operator | wanted | spawn"""
    text: str


OPERATOR = Reason("operator", "started by the operator")
WANTED = Reason("wanted", "asked to be restarted")
WANTED_EXIT = 0
"""Exit code of a program that left a request to be started again (ComfyUI-Manager's reboot button)."""


def end_of_process(code: int, oom_kills: int) -> Reason:
    """Say how a process ended.

    `code` is an exit code, or minus the signal's number (as `os.waitstatus_to_exitcode` gives it);
    `oom_kills` says how far the cgroup's `oom_kill` counter moved during the process's life.
    """
    if code >= 0:
        return Reason("exit", f"exited with code {code}")
    name = signal_name(-code)
    if -code == signal.SIGKILL and oom_kills > 0:
        return Reason("oom", f"killed by {name}: out of memory (the kernel's OOM killer)")
    return Reason("signal", f"killed by {name}")


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11; real-time and unknown signals by their number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
