"""A: `podkeeper url [SERVICE]`: where a browser finds the services, JupyterLab's with the login in it.

The token is in a file that only the user who runs JupyterLab (and root) can read; whoever can't gets no address.
Exit codes: 0, 1 (the login can't be read), 64 usage.
"""

from __future__ import annotations

import os
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_text

USAGE = "usage: podkeeper url [SERVICE]"
EX_USAGE = 64


def main(arguments: list[str]) -> int:
    """Print an address a line; returns the exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    pages = {each.name: each for each in SERVICES if each.enabled(settings) and each.page}
    if len(arguments) > 1 or not set(arguments) <= set(pages):
        print(f"{USAGE}; SERVICE: {' or '.join(pages)}", file=sys.stderr)
        return EX_USAGE
    shown = [pages[name] for name in arguments or pages]
    token = read_text(paths.token_file) or ""
    if not token and any(service.asks_login(settings) for service in shown):
        remedy = "use this command as the user who runs the pod"
        print(f"podkeeper: the login can't be read: {remedy}", file=sys.stderr)
        return 1
    for service in shown:
        title = "" if arguments else f"{service.title:<11}"
        print(title + service.url(settings, token))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
