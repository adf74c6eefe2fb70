"""P: the arguments of `podkeeper nodes` and `podkeeper packages`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Their exit codes, for the help.
PACKAGES = "0, 1 it cannot be done, 78 bad settings"


def add_nodes(commands: Any, command: Callable[[Any, str, str, str], Any]) -> None:
    """Add `nodes` to `commands`; `command` makes one of its name, its text and its exit codes."""
    nodes = command(commands, "nodes", "list, install and repair ComfyUI's custom nodes", PACKAGES)
    verbs = nodes.add_subparsers(dest="verb", metavar="COMMAND")
    command(verbs, "list", "list the custom nodes, and which ComfyUI does not load", PACKAGES)
    install = command(verbs, "install", "install a node, and what it asks for", PACKAGES)
    install.add_argument(
        "address", metavar="URL[@COMMIT]",
        help="a git repository, OWNER/NAME at GitHub, a name in ComfyUI's registry (NAME, NAME@VERSION), or a pack: "
        "wan, flux, all",
    )  # fmt: skip
    command(verbs, "outdated", "ask for newer versions of every node", PACKAGES)
    update = command(verbs, "update", "update nodes, and what they ask for", PACKAGES)
    update.add_argument("name", nargs="*", metavar="NAME", help="names of `podkeeper nodes list`; none: every node")
    command(verbs, "lock", "write nodes.lock, the exact versions of the nodes that ComfyUI has loaded", PACKAGES)
    restore = command(verbs, "restore", "install every node of a nodes.lock or of ComfyUI-Manager's snapshot", PACKAGES)
    restore.add_argument("file", nargs="?", default="", metavar="FILE", help="nodes.lock of the data folder, if none")
    for name, text in (("repair", "install what nodes ask for"), ("try", "load nodes again that are left out")):
        verb = command(verbs, name, text, PACKAGES)
        verb.add_argument("name", nargs="+", metavar="NAME", help="names of `podkeeper nodes list`")
    remove = command(verbs, "remove", "switch a node off; its files are kept", PACKAGES)
    remove.add_argument("name", metavar="NAME", help="a name of `podkeeper nodes list`")


def add_packages(commands: Any, command: Callable[[Any, str, str, str], Any]) -> None:
    """Add `packages`, likewise."""
    packages = command(commands, "packages", "list packages of ComfyUI's nodes, and take them back", PACKAGES)
    verbs = packages.add_subparsers(dest="verb", metavar="COMMAND")
    command(verbs, "list", "list what is installed beside the image's packages", PACKAGES)
    command(verbs, "rollback", "bring back the last packages with which ComfyUI responded", PACKAGES)
    forget = command(verbs, "forget", "uninstall a package, also from the volume", PACKAGES)
    forget.add_argument("name", metavar="NAME", help="the package's name")
