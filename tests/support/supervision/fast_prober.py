"""The real prober with short periods, for one service: `python fast_prober.py NAME PORT_FILE [field=value ...]`."""

import os
import sys
import time
from typing import Any

from entrypoint.supervision.prober import comfyui_log
from entrypoint.supervision.prober.loop import run
from entrypoint.supervision.prober.targets import ProbeConfig, Target
from entrypoint.supervision.prober.watch import Folders

FAST = ProbeConfig(period=0.2, timeout=0.5, failures=3, window=1.5, queue_period=0.2, stuck=1.5)


def main(name: str, port_file: str, *fields: str) -> None:
    """Wait for the port, then probe."""
    while not os.path.exists(port_file):
        time.sleep(0.05)
    with open(port_file, encoding="ascii") as file:
        port = int(file.read())
    target = Target(
        name=name,
        port=port,
        path="/system_stats",
        startup_grace=60,
        stop_signal="TERM",
        stop_grace=0.5,
        whole_tree=True,
        memory_limit=0,
        queue=name == "comfyui",
    )
    given: dict[str, str] = dict(field.split("=") for field in fields)
    changes: dict[str, Any] = {k: type(getattr(target, k))(v) for k, v in given.items() if k in Target._fields}
    limits: dict[str, Any] = {k: float(v) for k, v in given.items() if k in ProbeConfig._fields}
    comfyui_log.IDLE_AFTER_ERROR = 1.5
    run([target._replace(**changes)], Folders(os.environ["FOLDER"], os.environ["FOLDER"]), FAST._replace(**limits))


main(*sys.argv[1:])
