"""A: `podkeeper drain`: drains the pod before a stop, as the services' user."""

from __future__ import annotations

from argparse import Namespace

from entrypoint.commands.before_stop import BEFORE_STOP
from entrypoint.commands.program import run
from entrypoint.queue import commands
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Drain, or undo it; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)
    if given.undo:
        return commands.undo_drain(paths)
    return commands.run_drain(settings, paths, given.grace, BEFORE_STOP, stop=given.stop)


if __name__ == "__main__":
    run("drain", main)
