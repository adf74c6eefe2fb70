"""A: the program `outputs`: `python -I -m entrypoint.outputs`.

Exit code 78: OUTPUTS_TO is not set, or the settings cannot be used.
"""

from __future__ import annotations

import sys

from entrypoint.outputs.remote import remote
from entrypoint.outputs.secrets import kept_for_rclone, redactor_of
from entrypoint.outputs.worker import Worker
from entrypoint.settings.destinations import destination
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.own_settings import EX_CONFIG, settings_and_paths
from entrypoint.system.privileges import become_service_user


def main() -> int:
    """Deliver until stopped."""
    settings, paths = settings_and_paths()
    if not settings.outputs_to:
        print("outputs: OUTPUTS_TO is not set", flush=True)
        return EX_CONFIG
    secrets = kept_for_rclone(paths)
    become_service_user(settings)
    lower_priority()
    to = remote(destination(settings.outputs_to), secrets)
    Worker(settings, paths, to, redactor_of(secrets, to)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
