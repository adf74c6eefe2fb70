"""A: the files between `[program:runpod]` and the others: the request for the stop, and what RunPod says of the pod.

<runtime>/requests/pod-stop.json  {"why"}: a service's user asks for the stop that the settings configure.
<runtime>/runpod.json  {"at", "boot", "price", "age", "spot", "problem", "impossible"}: root's; `boot` is a
                                  time of CLOCK_BOOTTIME.
<runtime>/stopping.json  {"stopped": [program]}: root's; the programs to start again where the stop fails.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from entrypoint.runpod.answers import Pod, one_line
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, remove, write_json
from entrypoint.system.folders import FOLDER

#: The file of secrets with the pod's key (system/named_secrets.py).
KEY = "RUNPOD_API_KEY"
_REQUEST = "pod-stop.json"


def request_stop(paths: Paths, why: str) -> None:
    """Ask for the stop; the program `runpod` acts on it when it is started. Raises OSError."""
    write_json(_request(paths), {"why": why})


def requested_stop(paths: Paths) -> str:
    """Why the stop is asked for; "": it is not."""
    found = read_table(_request(paths))
    return one_line(found.get("why")) if found else ""


def call_off(paths: Paths) -> None:
    """Take the request back, as the services' user; the program `runpod` starts the services again. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_request(paths))


def end_request(paths: Paths) -> None:
    """Remove the request: it was carried out, or failed."""
    folder = os.open(paths.requests, FOLDER)  # the services' user writes to it
    try:
        remove(_REQUEST, dir_fd=folder)
    finally:
        os.close(folder)


def write_facts(paths: Paths, pod: Pod, problem: str, impossible: str) -> None:
    """Write what RunPod says; `problem`: why it says nothing; `impossible`: why the pod cannot be stopped."""
    facts = {"at": time.time(), "boot": time.clock_gettime(time.CLOCK_BOOTTIME), "price": pod.price, "age": pod.age,
             "spot": pod.spot, "problem": problem, "impossible": impossible}  # fmt: skip
    write_json(f"{paths.runtime}/runpod.json", facts)


def read_facts(paths: Paths) -> dict[str, Any]:
    """What `write_facts` has written; {}: nothing yet."""
    return read_table(f"{paths.runtime}/runpod.json")


def note_stopped(paths: Paths, programs: list[str]) -> None:
    """Note the programs that were stopped for the stop of the pod."""
    write_json(f"{paths.runtime}/stopping.json", {"stopped": programs})


def stopped_programs(paths: Paths) -> list[str]:
    """Those that were noted."""
    found = read_table(f"{paths.runtime}/stopping.json").get("stopped")
    return [str(each) for each in found] if isinstance(found, list) else []


def _request(paths: Paths) -> str:
    return f"{paths.requests}/{_REQUEST}"
