"""A: the file that hands the start command to the program that runs it."""

import contextlib
import os

from entrypoint.settings.paths import Paths
from entrypoint.settings.users import Identity
from entrypoint.system.files import write_atomically


def keep_start_command(command: list[str], paths: Paths, service: Identity) -> None:
    """Write the command to a file for `[program:command]`, or remove that file where there is no command.

    The file is 0600, and the command is in no argument or environment variable of ours: it may hold a login.
    Raises OSError where the runtime folder cannot be written.
    """
    if command:
        import json

        write_atomically(paths.start_command, json.dumps(command), 0o600, (service.uid, service.gid))
        return
    with contextlib.suppress(FileNotFoundError):  # of an earlier start
        os.unlink(paths.start_command)
