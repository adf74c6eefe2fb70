"""A: `podkeeper packages COMMAND`: the commands of entrypoint.packages, as the services' user."""

from __future__ import annotations

from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.packages import commands
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the packages are that user's
    match given.verb:
        case "rollback":
            return commands.rollback(settings, paths)
        case "forget":
            return commands.forget(settings, paths, given.name)
        case _:
            return commands.list_packages(settings, paths)


if __name__ == "__main__":
    run("packages", main)
