"""A: runs a command that may wait in the driver, where no signal ends it: then it is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from entrypoint.system.quiet_command import kill_tree

#: Bytes of output that are read, from its end.
_MOST = 4 << 20
#: Seconds in which a killed process ends.
_REAP_S = 2.0


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        code: The exit code; negative: the signal; None: it was killed at its deadline.
        output: The end of its standard output.
        errors: The end of its standard error.
    """

    code: int | None
    output: str
    errors: str


def run_command(command: Sequence[str], timeout_s: float) -> Ended:
    """Run a command without input; after `timeout_s` seconds it is killed, with what it has started.

    Raises:
        OSError: It cannot be run.
    """
    # Files, not pipes: a process that cannot be killed would hold a pipe open. Not subprocess.run: it waits for the
    # process that it has killed.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        code = None
        try:
            code = process.wait(timeout_s)
        except BaseException as error:
            process.send_signal(signal.SIGSTOP)  # else it goes on, without the children that are killed first
            kill_tree(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_REAP_S)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        return Ended(code, _end_of(output), _end_of(errors))


def _end_of(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST))
    return file.read().decode(errors="replace")
