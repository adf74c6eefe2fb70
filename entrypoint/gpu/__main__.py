"""A: `[program:gpu]`: checks the GPUs once, after the services are up: `python -I -m entrypoint.gpu`.

Exit codes: 0, whatever was found: a bad GPU is a condition. 78: the settings cannot be used.
"""

from __future__ import annotations

import shutil
import sys

from entrypoint.gpu.visible import gpu_visible
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user
from entrypoint.system.readiness import wait_until_settled

_PROBE_EVERY_S = 1.0


def main() -> int:
    """Wait for the services, check, and print the findings; returns the exit code."""
    settings, paths = settings_and_paths()
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
