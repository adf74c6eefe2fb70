"""P: the reason why a program's process ended, in words a user can act on."""

import signal
from typing import NamedTuple


class Reason(NamedTuple):
    """The reason for a restart."""

    kind: str  # exit | signal | oom | hang | memory | startup | node | worker | cuda | operator | wanted | spawn
    text: str


class Notes(NamedTuple):
    """What was noted about a process that has ended: why it was killed, whether its program asked for a restart, and
    whether the start was a trial."""

    kill_note: Reason | None = None
    restart_requested: bool = False
    trial: bool = False


OPERATOR = Reason("operator", "started by the operator")
REQUESTED = Reason("wanted", "asked to be restarted")
REQUESTED_EXIT_CODE = 0  # Exit code of a program that left a restart request (ComfyUI-Manager's reboot button).


def reason_for_exit(code: int, oom_kills: int) -> Reason:
    """Describe how a process ended.

    `code`: exit code, or minus the signal's number (as `os.waitstatus_to_exitcode` gives it). `oom_kills`: increase of
    the cgroup's `oom_kill` counter during the process's life.
    """
    if code >= 0:
        return Reason("exit", f"exited with code {code}")
    name = signal_name(-code)
    if -code == signal.SIGKILL and oom_kills > 0:
        return Reason("oom", f"killed by {name}: out of memory (the kernel's OOM killer)")
    return Reason("signal", f"killed by {name}")


def signal_name(number: int) -> str:
    """`SIGSEGV` for 11; a real-time or unknown signal by its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
