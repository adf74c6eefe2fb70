"""A: notes left in the runtime folder for the plugin: why a program is being killed, or wants a restart.

A file, because it cannot block either side and is still there when supervisord is busy or the writer is dead.
"""

import contextlib
import os

from entrypoint.supervision.exits import Reason
from entrypoint.system.files import read_json, write_json


def leave_kill_note(runtime: str, program: str, pid: int, reason: Reason) -> None:
    """Before killing a program's process: say why."""
    write_json(_kill_note(runtime, program), {"pid": pid, "kind": reason.kind, "text": reason.text})


def take_kill_note(runtime: str, program: str, pid: int) -> Reason | None:
    """The reason somebody gave for killing this very process, if any."""
    path = _kill_note(runtime, program)
    note = read_json(path)
    _remove(path)
    if not isinstance(note, dict) or note.get("pid") != pid:
        return None
    return Reason(str(note.get("kind")), str(note.get("text")))


def take_restart_request(runtime: str, program: str) -> bool:
    """Did the program ask to be started again?

    ComfyUI-Manager's reboot button does, where `__COMFY_CLI_SESSION__` is set: it writes `<that>.reboot` and
    exits 0. So that variable is `<runtime>/requests/<program>` for a program of ours.
    """
    return _remove(os.path.join(runtime, "requests", f"{program}.reboot"))


def _remove(path: str) -> bool:
    """Was it there?"""
    with contextlib.suppress(OSError):
        os.unlink(path)
        return True
    return False


def _kill_note(runtime: str, program: str) -> str:
    return os.path.join(runtime, f"{program}.killed-because")
