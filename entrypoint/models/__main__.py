"""A: `[program:models]`: the one-shot of supervisord. The commands are entrypoint/commands/models.py.

Exit codes: those of `worker`; 78: the settings cannot be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.models.sources.tokens import take_logins
from entrypoint.models.worker import run
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Run the one-shot; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    become_service_user(settings)
    redact_output(settings, paths)
    return run(settings, paths)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a stopped fetch may have a thread that still connects; Python would wait for it
