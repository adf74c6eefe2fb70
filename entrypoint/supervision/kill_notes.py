"""A: notes for the plugin in the runtime folder: why a process is killed, and a program's restart request.

A file, because it blocks neither side and is still there when supervisord is busy or its writer is dead.
"""

import contextlib
import os

from entrypoint.supervision.exits import Reason
from entrypoint.system.files import read_table, remove, write_json


def write_kill_note(runtime: str, program: str, pid: int, reason: Reason) -> None:
    """Record why the process `pid` of `program` is about to be killed."""
    os.makedirs(os.path.join(runtime, "requests"), exist_ok=True)
    write_json(_kill_note(runtime, program), {"pid": pid, "kind": reason.kind, "text": reason.text})


def take_kill_note(runtime: str, program: str, pid: int) -> Reason | None:
    """Read and remove the program's kill note; None unless it is about the process `pid`."""
    path = _kill_note(runtime, program)
    note = read_table(path)
    _remove(path)
    if note.get("pid") != pid:
        return None
    return Reason(str(note.get("kind")), " ".join(str(note.get("text")).split()))


def take_restart_request(runtime: str, program: str) -> bool:
    """Remove the program's restart request; returns whether it had left one.

    ComfyUI-Manager's reboot button leaves one where `__COMFY_CLI_SESSION__` is set: it writes `<that>.reboot` and
    exits 0. So that variable is `<runtime>/requests/<program>` for our programs.
    """
    return _remove(os.path.join(runtime, "requests", f"{program}.reboot"))


def _remove(path: str) -> bool:
    """Returns whether there was such a file."""
    with contextlib.suppress(OSError):
        return remove(path)
    return False


def _kill_note(runtime: str, program: str) -> str:
    return os.path.join(runtime, "requests", f"{program}.killed-because")
