"""A: starts the pod: `python -I -m entrypoint [START COMMAND]`. Errors become exit codes here and nowhere else.

The exit codes are those of sysexits.h: 73 a file or folder cannot be created, 75 another pod
runs in the same folder, 78 settings cannot be used.
"""

from __future__ import annotations

import signal

# Before anything else is imported: a stop signal that arrives from here on stays pending until supervisord runs
# (supervision/plugin.py unblocks it). PID 1 loses a signal without a handler; stock supervisord loses every signal of
# its first 0.35 s. The image blocks them even before Python starts (`env --block-signal`).
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT))

import os
import sys
import time
from functools import partial

from entrypoint.boot.exec_supervisord import become_supervisord
from entrypoint.boot.one_pod import Running, end_leftovers, take_lock, with_free_ports
from entrypoint.boot.own_folders import make_home, make_own_folders, make_runtime_folder
from entrypoint.boot.plan import child_environ, make_plan
from entrypoint.boot.pod_kind import settings_of
from entrypoint.boot.read_settings import read_settings
from entrypoint.boot.steps import Aborted, require, run_steps
from entrypoint.door.find_nginx import without_door_if_nginx_is_missing
from entrypoint.jupyter.lab_config import config_text
from entrypoint.settings.paths import STARTED, locate
from entrypoint.settings.settings import BadSettings
from entrypoint.system.facts import look
from entrypoint.system.privileges import service_identity_of

EX_CANTCREAT, EX_TEMPFAIL, EX_CONFIG = 73, 75, 78


def main(arguments: list[str]) -> int:
    """Start the pod, with `arguments` as the start command: one more program in it.

    Returns only when the pod cannot be started. `docker run IMAGE bash -c '...'` and a template's start command
    arrive as arguments; settings come from the environment.
    """
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    command = arguments if any(arguments) else []  # a template's empty field can arrive as an empty word
    try:
        read = read_settings(os.environ, command)
        settings = settings_of(read.settings, command)
        settings = without_door_if_nginx_is_missing(settings, os.environ.get("PATH", ""))
        facts = look()
        located, service = locate(settings, facts), service_identity_of(settings)
        require("make the pod's own folders", partial(make_runtime_folder, located))
        take_lock(located)
        end_leftovers(located)
        settings = with_free_ports(settings)
        require("make the pod's own folders", partial(make_own_folders, located, service))
        config = partial(config_text, settings)
        paths = require("write JupyterLab's configuration", partial(make_home, settings, located, service, config))
        run_steps(make_plan(settings, facts, paths, service, command, read, located.home), paths.runtime)
        environ = child_environ(os.environ, settings, paths, command)
        become_supervisord(paths.python, environ | {STARTED: f"{started:.3f}"})
    except BadSettings as error:
        return fail(EX_CONFIG, *error.problems)
    except Running as error:
        return fail(EX_TEMPFAIL, str(error))
    except Aborted as error:
        return fail(EX_CANTCREAT, str(error))
    except OSError as error:
        return fail(EX_CANTCREAT, f"cannot start supervisord: {error.filename}: {error.strerror}")


def fail(code: int, *lines: str) -> int:
    """Print the problems, one a line, and return the exit code."""
    for line in lines:
        print(f"podkeeper: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
