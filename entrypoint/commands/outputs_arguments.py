"""P: the arguments of `podkeeper outputs`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrypoint.commands.queue_arguments import NO_POD

_CODES = f"0 all are delivered, or OUTPUTS_TO is not set, 1 some are left, 77 not permitted, {NO_POD}"


def add_outputs(commands: Any, command: Callable[[Any, str, str, str], Any], number: Callable[[str], int]) -> None:
    """Add it to `commands`; `command` makes one of its name, its text and its exit codes, `number` parses seconds."""
    outputs = command(commands, "outputs", "show what of the outputs is delivered to OUTPUTS_TO", _CODES)
    outputs.add_argument("--now", action="store_true", help="look at once, and try again what has failed")
    about = "until all are delivered, or that long"
    outputs.add_argument("--wait", nargs="?", type=number, const=0, metavar="SECONDS", help=about)
    outputs.add_argument("--json", action="store_true", help="print it as JSON")
