"""A: notes for the plugin in the runtime folder: why a process is killed, a program's restart request, and that a start
is a trial.

A file, because it blocks neither side and is still there when supervisord is busy or its writer is dead.
"""

import contextlib
import os

from entrypoint.supervision.exits import Notes, Reason
from entrypoint.system.files import read_table, remove, write_json


def take_notes(runtime: str, program: str, pid: int) -> Notes:
    """Read and remove all notes about the process."""
    kill = take_kill_note(runtime, program, pid)
    return Notes(kill, take_restart_request(runtime, program), _remove(_trial(runtime, program)))


def note_trial(runtime: str, program: str, *, trial: bool = True) -> None:
    """Note that this start may end, and is then followed by the next trial at once; or that it is none.

    Raises:
        OSError: The runtime folder refuses.
    """
    if trial:
        os.makedirs(os.path.join(runtime, "requests"), exist_ok=True)
        write_json(_trial(runtime, program), {})
    else:
        _remove(_trial(runtime, program))


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


def _trial(runtime: str, program: str) -> str:
    return os.path.join(runtime, "requests", f"{program}.trial")


def _kill_note(runtime: str, program: str) -> str:
    return os.path.join(runtime, "requests", f"{program}.killed-because")
