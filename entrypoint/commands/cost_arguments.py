"""P: the arguments of `podkeeper cost` and `podkeeper keep`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from entrypoint.commands.queue_arguments import NO_POD
from entrypoint.settings.durations import seconds_of


def add_cost(commands: Any, command: Callable[..., Any]) -> None:
    """Add both; `command`: makes a command's parser."""
    about = "show what this pod costs, how much of it idle, and when it is stopped"
    cost = command(commands, "cost", about, "0, 1 the meter does not run, " + NO_POD)
    cost.add_argument("--json", action="store_true", help="print it as JSON")
    keep = command(commands, "keep", "keep the pod although it is idle (IDLE_STOP)", "0, 77 not permitted, " + NO_POD)
    keep.add_argument("time", type=_length_of_time, metavar="TIME", help="for how long: 8h, 90m; off: no longer")


def _length_of_time(text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None
