"""P: the arguments of `podkeeper queue` and `podkeeper drain`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from entrypoint.settings.parsing import duration

#: Exit codes of commands that need a running pod.
NO_POD = "69 no pod runs here, 78 bad settings"
_QUEUE = f"0, 1 it cannot be done, {NO_POD}"


def add_queue(commands: Any, command: Callable[[Any, str, str, str], Any]) -> None:
    """Add both to `commands`; `command` makes one of its name, its text and its exit codes."""
    queue = command(commands, "queue", "list ComfyUI's queue, and what of it was set aside", _QUEUE)
    verbs = queue.add_subparsers(dest="verb", metavar="COMMAND")
    command(verbs, "list", "list the workflows that wait, run or are set aside", _QUEUE)
    for name, text in (("restore", "run workflows that are set aside or wait for this"), ("drop", "forget them")):
        verb = command(verbs, name, text, _QUEUE)
        verb.add_argument("id", nargs="*", metavar="ID", help="ids of `podkeeper queue list`; none: all of them")
    codes = f"0 nothing runs, 1 it cannot be done, 3 the workflow still runs, {NO_POD}"
    drain = command(commands, "drain", "accept no new workflow, and wait for the one that runs", codes)
    help_text = "how long to wait: seconds, 90s, 10m (10m)"
    drain.add_argument("--grace", type=_duration, default=600, metavar="TIME", help=help_text)
    drain.add_argument("--stop", action="store_true", help="then stop the pod, if nothing runs any more")
    drain.add_argument("--undo", action="store_true", help="accept workflows again")


def _duration(text: str) -> int:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
