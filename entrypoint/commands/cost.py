"""A: `podkeeper cost [--json]`: what this pod costs, and whether it is idle.

Exit codes: 0; 1 the meter does not run; 64 usage; 69 no pod runs here.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict

from entrypoint.commands.cost_text import meter_lines
from entrypoint.commands.program import run
from entrypoint.meter.report import read_meter
from entrypoint.system.own_settings import settings_and_paths


def main(given: Namespace) -> int:
    """Print it; returns the exit code."""
    _, paths = settings_and_paths()
    meter = read_meter(paths)
    if meter is None:
        remedy = (
            "it runs on RunPod, and with COST_PER_HOUR, IDLE_STOP, MAX_HOURS or MAX_COST; see: podkeeper logs meter"
        )
        print(f"podkeeper: the meter has not reported yet; {remedy}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(meter), indent=2) if given.json else "\n".join(meter_lines(meter)))
    return 0


if __name__ == "__main__":
    run("cost", main)
