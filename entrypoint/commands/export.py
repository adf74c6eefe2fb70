"""A: `podkeeper export [FOLDER]`: what another ComfyUI needs to run like this pod's, written as the services' user."""

from __future__ import annotations

import os
from argparse import Namespace

from entrypoint.comfyui import installation
from entrypoint.comfyui.versions.launch import chosen_source
from entrypoint.commands.program import run
from entrypoint.conditions.condition import CannotDo
from entrypoint.nodes.export import export
from entrypoint.nodes.export_files import ComfyUI
from entrypoint.nodes.origin import head_of, origin_of, without_login
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main(given: Namespace) -> int:
    """Run the command; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the nodes are that user's, and so is what is written
    return export(paths, comfyui_of(settings, paths), given.folder)


def comfyui_of(settings: Settings, paths: Paths) -> ComfyUI:
    """The installed ComfyUI; where there is none, nothing of it is known."""
    try:
        source = chosen_source(settings, paths)
    except CannotDo:
        return ComfyUI(repository=without_login(settings.comfyui_repo))
    has_manager = os.path.isfile(f"{source.folder}/{installation.MANAGER_REQUIREMENTS}")
    return ComfyUI(
        installation.version_number(source), head_of(source.folder),
        origin_of(source.folder).repository or without_login(settings.comfyui_repo),
        installation.MANAGER_REQUIREMENTS if has_manager else "",
    )  # fmt: skip


if __name__ == "__main__":
    run("export", main)
