"""A: runs a probe by ComfyUI's Python in a child process with a deadline.

CUDA may end the process (a segmentation fault in a driver, an abort in a kernel's compiler) or never return: then that
is the result.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import Any, NamedTuple

from entrypoint.gpu.command import Ended, run_command
from entrypoint.system.quiet_command import one_line

PROBE, ATTENTION_PROBE = "probe.py", "attention_probe.py"


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
    try:
        ended = run_command(command, timeout_s)
    except OSError as error:
        return Probed({}, f"cannot run {python}: {error.strerror}")
    found = _last_object(ended.output)
    return Probed(found, _how(ended, timeout_s, str(found.get("step", ""))))


def _how(ended: Ended, timeout_s: float, step: str) -> str:
    if ended.code == 0 and step == "done":
        return ""
    where = f" in the step {step!r}" if step not in ("", "done") else ""
    if ended.code is None:
        return f"did not end within {timeout_s:.0f} s{where}"
    if ended.code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-ended.code).name}{where}"
    lines = [line for line in ended.errors.splitlines() if line.strip()]
    return f"ended with exit code {ended.code}{where}" + (f": {one_line(lines[-1])}" if lines else "")


def _last_object(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict) and "step" in found:
                    return found
    return {}
