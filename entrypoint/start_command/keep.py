"""A: at boot, keep the start command for the program that runs it."""

from __future__ import annotations

import contextlib
import json
import os

from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.system.files import write_atomically


def keep_start_command(command: list[str], paths: Paths, service: Identity) -> None:
    """Leave the command where `[program:command]` finds it, or nothing where there is none.

    0600, and in no argument or variable of ours: what users write there may hold a login.

    Raises:
        OSError: The runtime folder can't be written.
    """
    if command:
        owner = (service.uid, service.gid)
        write_atomically(paths.start_command, json.dumps(command), 0o600, owner)
        return
    with contextlib.suppress(FileNotFoundError):  # of an earlier start
        os.unlink(paths.start_command)
