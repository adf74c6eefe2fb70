"""A: `podkeeper workflow COMMAND`: the commands of entrypoint.workflows."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.models.sources.tokens import take_logins
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user
from entrypoint.workflows import commands


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    become_service_user(settings)  # models and nodes are that user's: root would follow its links
    if given.verb == "plan":
        return commands.plan(settings, paths, given.file, as_json_text=given.json, taken=dict(given.take))
    return commands.fetch(settings, paths, given.file, nodes=not given.no_nodes, taken=dict(given.take))


if __name__ == "__main__":
    try:
        run("workflow", main)
    except SystemExit as end:
        sys.stdout.flush()
        # A stopped download may have a thread that still connects, and Python would wait for it.
        os._exit(end.code if isinstance(end.code, int) else 1)
