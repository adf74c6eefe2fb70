"""A: `podkeeper status [--json | --watch] [PROGRAM ...]`.

Exit codes: 0 every enabled service answers (with names: each of those); 1 the first service, which users need most,
does not; 3 another does not; 64 usage; 69 no pod runs here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace

from entrypoint.commands.arguments import EX_USAGE
from entrypoint.commands.program import run
from entrypoint.commands.status_text import exit_code, status_text
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.collect import Collector, secrets
from entrypoint.status.snapshot import as_json, make_snapshot

#: Seconds between two snapshots of --watch.
PERIOD = 1.0
#: Control sequences: cursor home, clear the rest of the line, clear the rest of the screen (ECMA-48).
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def main(given: Namespace) -> int:
    """Show the pod; returns the exit code."""
    names = tuple(name for name in given.program if name != "all")
    if names and given.json:
        print("podkeeper: --json shows the whole pod; leave the names out", file=sys.stderr)
        return EX_USAGE
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    collector, redactor = Collector(settings, paths), secrets(settings, paths)
    while True:
        snapshot = make_snapshot(settings, collector.collect())
        if given.json:
            print(json.dumps(as_json(snapshot, redactor), indent=2))
        else:
            _draw(redactor.text(status_text(snapshot, names)), given.watch)
        if not given.watch:
            return exit_code(snapshot, names)
        time.sleep(PERIOD)


def _draw(text: str, watch: bool) -> None:
    """Print `text`; with --watch on a terminal over the text before, without flicker."""
    if watch and sys.stdout.isatty():
        text = _HOME + text.replace("\n", _CLEAR_LINE + "\n") + _CLEAR_BELOW
    print(text, end="" if not watch else "\n", flush=True)


if __name__ == "__main__":
    run("status", main)
