"""A: `podkeeper nodes COMMAND`: the commands of entrypoint.nodes, as the services' user."""

from __future__ import annotations

from argparse import Namespace

from entrypoint.commands.program import run
from entrypoint.nodes import commands, keep_lock, pack, update
from entrypoint.nodes.pack_names import PACKS
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the nodes are that user's
    match given.verb:
        case "install" if given.address in PACKS:
            return pack.install_pack(paths, given.address)
        case "install":
            return commands.install(paths, given.address)
        case "update":
            return update.update(paths, given.name)
        case "outdated":
            return update.outdated(paths)
        case "lock":
            return keep_lock.lock(paths)
        case "restore":
            return keep_lock.restore(paths, given.file)
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
