"""A: runs a command as a program of its own, and ends it quietly."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import NoReturn

from entrypoint.commands.arguments import build_parser
from entrypoint.system.console import flush_stdout


def run(command: str, work: Callable[[Namespace], int]) -> NoReturn:
    """Parse this process's arguments as those of `command`, do the work and exit with its exit code.

    A reader that has gone away (`podkeeper logs | head -1`) and Ctrl-C are no errors.
    """
    given = build_parser().parse_args([command, *sys.argv[1:]])
    try:
        code = work(given)
    except (BrokenPipeError, KeyboardInterrupt):
        code = 0
    flush_stdout()
    sys.exit(code)
