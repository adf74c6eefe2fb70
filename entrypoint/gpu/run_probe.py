"""A: runs a probe by ComfyUI's Python in a child process with a deadline.

CUDA may end the process (a segmentation fault in a driver, an abort in a kernel's compiler) or never return: then that
is the result.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from typing import Any, BinaryIO, NamedTuple

from entrypoint.system.quiet_command import kill_tree, one_line

PROBE, ATTENTION_PROBE = "probe.py", "attention_probe.py"
#: Bytes of output that are read, from its end.
_MOST = 4 << 20
#: Seconds in which a killed process ends. One that waits in the driver never does, and is left behind.
_REAP_S = 2.0


class Probed(NamedTuple):
    """What a probe has found, as far as it came.

    Attributes:
        found: The last JSON object that it printed; {}: none.
        ended: How it ended where it did not reach its end: "was ended by SIGSEGV in the step ..."; "".
    """

    found: dict[str, Any]
    ended: str


def run_probe(python: str, script: str, timeout_s: float) -> Probed:
    """Run one of the scripts of this folder.

    Args:
        python: ComfyUI's Python.
        script: PROBE or ATTENTION_PROBE.
        timeout_s: Seconds after which it is killed, with what it has started.
    """
    command = [python, "-I", "-X", "faulthandler", f"{os.path.dirname(os.path.abspath(__file__))}/{script}"]
    # Files, not pipes: a process that cannot be killed would hold a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        except OSError as error:
            return Probed({}, f"cannot run {python}: {error.strerror}")
        try:
            code = process.wait(timeout_s)
        except BaseException as error:
            process.send_signal(signal.SIGSTOP)  # else it goes on, without the children that are killed first
            kill_tree(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_REAP_S)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
        found = _last_object(_end_of(output))
        return Probed(found, _how(code, timeout_s, found, _end_of(errors)))


def _how(code: int | None, timeout_s: float, found: dict[str, Any], errors: str) -> str:
    step = str(found.get("step", ""))
    if code == 0 and step == "done":
        return ""
    where = f" in the step {step!r}" if step not in ("", "done") else ""
    if code is None:
        return f"did not end within {timeout_s:.0f} s{where}"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}{where}"
    lines = [line for line in errors.splitlines() if line.strip()]
    return f"ended with exit code {code}{where}" + (f": {one_line(lines[-1])}" if lines else "")


def _end_of(file: BinaryIO) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST))
    return file.read().decode(errors="replace")


def _last_object(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict) and "step" in found:
                    return found
    return {}
