"""A: `[program:models]`: the one-shot of supervisord. The commands are entrypoint/commands/models.py.

Exit codes: those of `worker`; 78: the settings cannot be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.models.outcome import EX_CONFIG
from entrypoint.models.sources.tokens import take_logins
from entrypoint.models.worker import run
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Run the one-shot; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
    take_logins(paths)
    become_service_user(settings)
    redact_output(settings, paths)
    return run(settings, paths)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a stopped fetch may have a thread that still connects; Python would wait for it
