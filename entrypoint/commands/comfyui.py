"""A: `podkeeper comfyui COMMAND`: ComfyUI's versions, as the services' user."""

from __future__ import annotations

from argparse import Namespace

from entrypoint.comfyui.versions import commands
from entrypoint.commands.program import run
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)
    match given.verb:
        case "use":
            return commands.use(settings, paths, given.version, anyway=given.anyway)
        case "rollback":
            return commands.rollback(settings, paths)
        case _:
            return commands.list_versions(settings, paths)


if __name__ == "__main__":
    run("comfyui", main)
