"""A: `python -I -m entrypoint`: argv -> command. The only place where errors become exit codes.

Exit codes are those of sysexits.h: 64 usage, 73 a file or folder can't be made, 78 bad settings.
"""

from __future__ import annotations

import signal

# Before anything else is imported: a stop that arrives from here on is kept until supervisord runs
# (supervision/plugin.py lets it in). As PID 1 a signal without a handler would be lost; stock supervisord loses
# every one of its first 0.35 s. The image blocks them even before Python starts (`env --block-signal`).
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT))

import os
import sys
import time

from entrypoint.boot import Aborted, run_steps
from entrypoint.facts import look
from entrypoint.gateway.nginx import as_it_is_here
from entrypoint.handoff import become_supervisord
from entrypoint.paths import STARTED, locate
from entrypoint.plan import child_environ, make_plan
from entrypoint.settings import BadSettings, Settings
from entrypoint.volumes.service import service_of

EX_USAGE, EX_CANTCREAT, EX_CONFIG = 64, 73, 78


def main(arguments: list[str]) -> int:
    """Start the pod; returns only when it can't be started."""
    if arguments:
        return fail(
            EX_USAGE, f"cannot use the argument {arguments[0]!r}: settings come from the environment (README)"
        )
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        settings = as_it_is_here(Settings.from_environ(os.environ), os.environ.get("PATH", ""))
        facts = look()
        paths = locate(settings, facts)
        run_steps(make_plan(settings, facts, paths, service_of(settings)), paths.runtime)
        become_supervisord(
            paths.python, child_environ(os.environ, settings, paths) | {STARTED: f"{started:.3f}"}
        )
    except BadSettings as error:
        return fail(EX_CONFIG, *error.problems)
    except Aborted as error:
        return fail(EX_CANTCREAT, str(error))
    except OSError as error:
        return fail(EX_CANTCREAT, f"cannot start supervisord: {error.filename}: {error.strerror}")


def fail(code: int, *lines: str) -> int:
    """Tell what is wrong, a line each, and return the exit code."""
    for line in lines:
        print(f"podkeeper: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
