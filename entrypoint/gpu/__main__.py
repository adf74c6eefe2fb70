"""A: `[program:gpu]`: checks the GPUs once, after the services are up: `python -I -m entrypoint.gpu`.

Exit codes: 0, whatever was found: a bad GPU is a condition. 78: the settings cannot be used.
"""

from __future__ import annotations

import os
import shutil
import sys

from entrypoint.gpu.visible import gpu_visible
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import BadSettings, Settings
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import become_service_user
from entrypoint.system.readiness import wait_until_settled

EX_CONFIG = 78
_PROBE_EVERY_S = 1.0


def main() -> int:
    """Wait for the services, check, and print the findings; returns the exit code."""
    try:
        settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    except BadSettings as error:
        print("\n".join(error.problems), flush=True)
        return EX_CONFIG
    become_service_user(settings)
    lower_priority()
    if gpu_visible() or shutil.which("nvidia-smi"):  # else the report says at once that there is none
        wait_until_settled(settings, paths.runtime, _PROBE_EVERY_S)
    from entrypoint.gpu.findings import as_text  # nothing of the check is loaded before the services are up
    from entrypoint.gpu.preflight import check
    from entrypoint.gpu.verdicts import last_launch

    python = last_launch(paths)[0]
    if not python and gpu_visible():
        print("gpu: not checked: ComfyUI has not been launched, so its Python is unknown", flush=True)
        return 0
    print(as_text(check(settings, paths, python)), end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
