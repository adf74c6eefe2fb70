"""A: the custom nodes of the image's variant `full`: ComfyUI loads those that the user does not have himself.

They are in a folder of their own, of which ComfyUI sees links: a node of the user's with the same name, on or off,
takes the place of the image's. The packages of all of them are in ComfyUI's environment.
"""

from __future__ import annotations

import os
import re

from entrypoint.nodes.folders import entries, known_names
from entrypoint.nodes.pack_files import pack_file
from entrypoint.nodes.pack_names import PACKS
from entrypoint.packages.distributions import distributions, normalised, site_packages
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text, write_atomically

FOLDER = "/opt/comfyui-nodes"
_PINNED = re.compile(r"(?m)^([A-Za-z0-9_.-]{1,100})==")


def links_folder(paths: Paths) -> str:
    """The folder with the links; its name is that of every folder of custom nodes."""
    return f"{paths.packages}/image-nodes/custom_nodes"


def link_image_nodes(paths: Paths, users: str, folder: str = FOLDER) -> str:
    """Make the links; `users`: the folder of the user's nodes.

    Returns:
        Path of the extra_model_paths.yaml that names their folder; "" where the image has no nodes.

    Raises:
        OSError: The local disk refuses.
    """
    nodes = entries([folder])
    if not nodes:
        return ""
    links, taken = links_folder(paths), known_names(users)
    os.makedirs(links, exist_ok=True)
    wanted = {name: path for name, path in nodes.items() if name.lower() not in taken}
    for name in set(os.listdir(links)) - wanted.keys():
        os.unlink(f"{links}/{name}")
    for name, path in wanted.items():
        if not os.path.lexists(f"{links}/{name}"):
            os.symlink(path, f"{links}/{name}")
    file = f"{os.path.dirname(links)}/extra_model_paths.yaml"
    text = f"podkeeper_image:\n  custom_nodes: {links}\n"
    if read_text(file) != text:
        write_atomically(file, text)
    return file


def image_packages(environment: str, folder: str = FOLDER) -> dict[str, str]:
    """Package -> version of what the packs ask for and the image has: as if it was installed above the image."""
    if not os.path.isdir(folder):
        return {}
    here = distributions(site_packages(environment))
    names = {normalised(name) for pack in PACKS["all"] for name in _PINNED.findall(read_text(pack_file(pack)) or "")}
    return {name: here[name].version for name in sorted(names) if name in here}
