"""A: `podkeeper models COMMAND`: the commands of entrypoint.models.

Exit codes: those of `entrypoint.models.outcome`; 64 usage, 77 not permitted, 78 the settings cannot be used.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from entrypoint.commands.program import run, settings_and_paths
from entrypoint.models import add_remove, commands
from entrypoint.models.sources.tokens import take_logins
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    become_service_user(settings)  # the models folder is that user's: root would follow its links
    match given.verb:
        case "plan":
            return commands.plan(settings, paths, tuple(given.bundle))
        case "fetch":
            return commands.fetch(settings, paths, tuple(given.bundle))
        case "verify":
            return commands.verify(settings, paths)
        case "add":
            return add_remove.add(settings, paths, given.url, given.dest, given.sha256, given.bundle)
        case "rm":
            return add_remove.remove(settings, paths, given.name)
        case _:
            return commands.list_bundles(settings, paths, tuple(getattr(given, "bundle", ())))


if __name__ == "__main__":
    try:
        run("models", main)
    except SystemExit as end:
        sys.stdout.flush()
        # A stopped download may have a thread that still connects, and Python would wait for it.
        os._exit(end.code if isinstance(end.code, int) else 1)
