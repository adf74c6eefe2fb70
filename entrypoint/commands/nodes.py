"""A: `podkeeper nodes COMMAND`: the commands of entrypoint.nodes, as the services' user."""

from __future__ import annotations

import os
from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.nodes import commands
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings
from entrypoint.system.privileges import become_service_user

EX_CONFIG = 78


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
    become_service_user(settings)  # the nodes are that user's
    match given.verb:
        case "install":
            return commands.install(paths, given.address)
        case "repair":
            return commands.repair(paths, given.name)
        case "try":
            return commands.try_again(paths, given.name)
        case "remove":
            return commands.remove(paths, given.name)
        case _:
            return commands.list_nodes(paths)


if __name__ == "__main__":
    run("nodes", main)
