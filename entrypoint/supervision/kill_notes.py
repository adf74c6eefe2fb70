"""A: notes for the plugin in the runtime folder: why a process is killed, and a program's restart request.

A file, because it blocks neither side and is still there when supervisord is busy or its writer is dead.
"""

import contextlib
import json
import os
import stat

from entrypoint.supervision.exits import Reason
from entrypoint.system.files import write_json

_LONGEST = 4096  # bytes of a kill note


def write_kill_note(runtime: str, program: str, pid: int, reason: Reason) -> None:
    """Record why the process `pid` of `program` is about to be killed."""
    os.makedirs(os.path.join(runtime, "requests"), exist_ok=True)
    write_json(_kill_note(runtime, program), {"pid": pid, "kind": reason.kind, "text": reason.text})


def take_kill_note(runtime: str, program: str, pid: int) -> Reason | None:
    """Read and remove the program's kill note; None unless it is about the process `pid`."""
    path = _kill_note(runtime, program)
    note = _read(path)
    _remove(path)
    if not isinstance(note, dict) or note.get("pid") != pid:
        return None
    return Reason(str(note.get("kind")), " ".join(str(note.get("text")).split()))


def take_restart_request(runtime: str, program: str) -> bool:
    """Remove the program's restart request; returns whether it had left one.

    ComfyUI-Manager's reboot button leaves one where `__COMFY_CLI_SESSION__` is set: it writes `<that>.reboot` and
    exits 0. So that variable is `<runtime>/requests/<program>` for our programs.
    """
    return _remove(os.path.join(runtime, "requests", f"{program}.reboot"))


def _read(path: str) -> object:
    """The decoded note, or None. The folder is the services' user's: supervisord waits for no fifo, follows no link."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return json.loads(os.read(file, _LONGEST)) if stat.S_ISREG(os.fstat(file).st_mode) else None
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(file)


def _remove(path: str) -> bool:
    """Returns whether there was such a file."""
    with contextlib.suppress(OSError):
        os.unlink(path)
        return True
    return False


def _kill_note(runtime: str, program: str) -> str:
    return os.path.join(runtime, "requests", f"{program}.killed-because")
