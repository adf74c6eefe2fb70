"""A: `[program:workflows]`: the one-shot that installs what workflows need: for a click in ComfyUI, and WORKFLOWS.

Exit codes: 0 done; 1 something of WORKFLOWS cannot be had; 75 a later run may succeed, or it was stopped; 78 the
settings cannot be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.models.sources.tokens import take_logins, workflow_places
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user
from entrypoint.workflows.worker import Worker


def main() -> int:
    """Run the one-shot; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    places = workflow_places(settings, paths)
    become_service_user(settings)
    redact_output(settings, paths)
    lower_priority()
    return Worker(settings, paths, places).run()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a stopped download may have a thread that still connects; Python would wait for it
