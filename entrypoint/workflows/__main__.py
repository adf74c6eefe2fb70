"""A: `[program:workflows]`: the one-shot that installs what workflows need: for a click in ComfyUI, and WORKFLOWS.

Exit codes: 0 done; 1 something of WORKFLOWS cannot be had; 75 a later run may succeed, or it was stopped; 78 the
settings cannot be used.
"""

from __future__ import annotations

import os
import sys

from entrypoint.models.outcome import EX_CONFIG
from entrypoint.models.sources.tokens import take_logins, workflow_places
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings
from entrypoint.system.log_redaction import redact_output
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import become_service_user
from entrypoint.workflows.worker import Worker


def main() -> int:
    """Run the one-shot; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
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
