"""A: the program `drain`, which the restart plugin starts before the shutdown that a SIGTERM asks for: drains the pod
within STOP_GRACE (supervision/shutdown.py), as the services' user.

`python -I -m entrypoint.commands.before_stop`
"""

from __future__ import annotations

import os
import sys

from entrypoint.queue.drain import BeforeStop, drain
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.privileges import become_service_user

#: What is done before a stop, once nothing runs: by this program, and by `podkeeper drain`.
BEFORE_STOP: tuple[BeforeStop, ...] = ()


def main() -> int:
    """Drain the pod; 1: something has not finished, and the stop goes on all the same."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    become_service_user(settings)
    try:
        done = drain(settings, paths, settings.stop_grace, lambda words: print(words, flush=True), BEFORE_STOP)
    except OSError as error:
        print(f"cannot drain the pod: {error}", flush=True)
        return 1
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
