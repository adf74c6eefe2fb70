"""A: `podkeeper url [SERVICE]`: prints the services' addresses, with the login in those that ask for it.

The token is in a file that only the pod's user and root can read; other users get no address.
Exit codes: 0, 1 (the login cannot be read), 64 usage.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from entrypoint.commands.arguments import EX_USAGE
from entrypoint.commands.program import run
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text


def main(given: Namespace) -> int:
    """Print an address a line; returns the exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    enabled = [each for each in SERVICES if each.page and each.enabled(settings)]
    shown = [each for each in enabled if given.service in (None, each.name)]
    if not shown:
        print(f"podkeeper: {given.service or 'every service'} is switched off", file=sys.stderr)
        return EX_USAGE
    token = read_text(paths.token_file) or ""
    if not token and any(service.asks_login(settings) for service in shown):
        remedy = "use this command as the user who runs the pod"
        print(f"podkeeper: the login cannot be read; {remedy}", file=sys.stderr)
        return 1
    for service in shown:
        title = "" if given.service else f"{service.title:<11}"
        print(title + service.url(settings, token))
    return 0


if __name__ == "__main__":
    run("url", main)
