"""A: the one-shot for COMFYUI_VERSION, once the services respond: `python -I -m entrypoint.comfyui.versions`.

Where no version is asked for it ends at once, without an import that the start would wait for.
"""

from __future__ import annotations

import os
import sys

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

NAME = "ComfyUIVersionNotUsed"


def main() -> int:
    """Bring the version; returns the exit code."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    from entrypoint.system.condition_store import clear_condition, raise_condition

    if not settings.comfyui_version:
        clear_condition(paths.runtime, NAME)
        return 0
    from entrypoint.comfyui.versions.commands import wanted_by_setting
    from entrypoint.conditions.condition import Condition
    from entrypoint.system.privileges import become_service_user
    from entrypoint.system.readiness import wait_until_settled

    become_service_user(settings)
    wait_until_settled(settings, paths.runtime, 1.0)
    problem = wanted_by_setting(settings, paths)
    if not problem:
        clear_condition(paths.runtime, NAME)
        return 0
    remedy = "correct COMFYUI_VERSION, or try again: podkeeper restart version"
    condition = Condition(NAME, f"COMFYUI_VERSION={settings.comfyui_version} cannot be used: {problem}", remedy)
    raise_condition(paths.runtime, condition)
    print(f"version: {condition}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
