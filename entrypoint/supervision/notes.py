"""A: notes left in the runtime folder for the plugin: why a program is being killed, or wants a restart.

A file, because it cannot block either side and is still there when supervisord is busy or the writer is dead.
"""

import contextlib
import json
import os
from typing import Any

from entrypoint.supervision.exits import Reason


def write_json(path: str, content: Any) -> None:
    """Replace a file of the runtime folder. Not synced: it describes this boot, and fsync could block."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(content, file, separators=(",", ":"))
    os.replace(temporary, path)


def read_json(path: str) -> Any:
    """The content, or None if there is none that can be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


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
