"""A: the program `drain`, which the restart plugin starts before the shutdown that a SIGTERM asks for: drains the pod
within STOP_GRACE (supervision/shutdown.py), as the services' user.

`python -I -m entrypoint.commands.before_stop`
"""

from __future__ import annotations

import os
import sys
import time

from entrypoint.commands.outputs import look_now, wait_for_delivery
from entrypoint.queue.drain import BeforeStop, drain
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.privileges import become_service_user


def deliver_outputs(settings: Settings, paths: Paths, left_s: float) -> bool:
    """Wait until the outputs are delivered (OUTPUTS_TO), for so many seconds; returns whether they are."""
    if not settings.outputs_to:
        return True
    began = time.time()
    try:
        look_now(paths)
    except OSError as error:
        print(f"cannot ask for the delivery of outputs: {error}", flush=True)
        return False
    state = wait_for_delivery(settings, paths, began, began + max(0.0, left_s))
    print(f"outputs: {state.text()}", flush=True)
    return state.is_complete(began)


#: What is done before a stop, once nothing runs: by this program, and by `podkeeper drain`.
BEFORE_STOP: tuple[BeforeStop, ...] = (deliver_outputs,)


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
