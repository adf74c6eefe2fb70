"""A: `podkeeper status [--json | --watch] [SERVICE ...]`.

Exit codes: 0 every service that is switched on answers (with names: every one named); 1 the first service, without
which nobody can work, does not; 3 another does not; 64 usage; 69 no pod runs here.
"""

from __future__ import annotations

import json
import os
import sys
import time

from entrypoint.commands.status_text import exit_code, programs, status_text
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.status.collect import Collector, secrets
from entrypoint.status.snapshot import as_json, make_snapshot

USAGE = "usage: podkeeper status [--json | --watch] [SERVICE ...]"
EX_USAGE = 64
#: Seconds between two looks of --watch.
PERIOD = 1.0
#: What a terminal understands as: home, and clear from here on (ECMA-48).
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def main(arguments: list[str]) -> int:
    """Show the pod; returns the exit code."""
    flags = {each for each in arguments if each.startswith("-")}
    names = tuple(each for each in arguments if not each.startswith("-") and each != "all")
    if len(flags) > 1 or flags - {"--json", "--watch"} or (names and "--json" in flags):
        print(USAGE, file=sys.stderr)
        return EX_USAGE
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    collector = Collector(settings, paths)
    snapshot = make_snapshot(settings, collector.collect())
    unknown = set(names) - {each.name for each in programs(snapshot, ())}
    if unknown:
        known = ", ".join(each.name for each in programs(snapshot, ()))
        print(f"podkeeper: there is no {sorted(unknown)[0]!r} here; there are: {known}", file=sys.stderr)
        return EX_USAGE
    redactor = secrets(settings, paths)
    if "--json" in flags:
        print(json.dumps(as_json(snapshot, redactor), indent=2))
    elif "--watch" in flags:
        while True:
            _draw(redactor.text(status_text(snapshot, names)))
            time.sleep(PERIOD)
            snapshot = make_snapshot(settings, collector.collect())
    else:
        print(redactor.text(status_text(snapshot, names)), end="")
    return exit_code(snapshot, names)


def _draw(text: str) -> None:
    """On a terminal over what was there, without flicker; else one after another."""
    if sys.stdout.isatty():
        text = _HOME + text.replace("\n", _CLEAR_LINE + "\n") + _CLEAR_BELOW
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
