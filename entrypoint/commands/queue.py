"""A: `podkeeper queue COMMAND`: the commands of entrypoint.queue, as the services' user."""

from __future__ import annotations

from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.queue import commands
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the journal is that user's
    if given.verb in ("restore", "drop"):
        return commands.restore_or_drop(settings, paths, given.verb, given.id)
    return commands.list_queue(settings, paths)


if __name__ == "__main__":
    run("queue", main)
