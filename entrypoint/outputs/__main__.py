"""A: the program `outputs`: `python -I -m entrypoint.outputs`.

Exit code 78: OUTPUTS_TO is not set, or the settings cannot be used.
"""

from __future__ import annotations

import sys

from entrypoint.outputs.remote import Remote, remote, secret_texts
from entrypoint.outputs.worker import Worker
from entrypoint.settings.destinations import destination
from entrypoint.settings.secret_names import is_for_outputs
from entrypoint.system.files import read_text
from entrypoint.system.known_secrets import spellings
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.named_secrets import named_secrets, secrets_kept
from entrypoint.system.own_settings import EX_CONFIG, settings_and_paths
from entrypoint.system.privileges import become_service_user
from entrypoint.system.redaction import Redactor


def main() -> int:
    """Deliver until stopped."""
    settings, paths = settings_and_paths()
    if not settings.outputs_to:
        print("outputs: OUTPUTS_TO is not set", flush=True)
        return EX_CONFIG
    secrets = named_secrets(filter(is_for_outputs, secrets_kept(paths)), paths)
    become_service_user(settings)
    lower_priority()
    to = remote(destination(settings.outputs_to), secrets)
    Worker(settings, paths, to, _redactor(secrets, to)).run()
    return 0


def _redactor(secrets: dict[str, str], to: Remote) -> Redactor:
    """A redactor of what rclone knows, in every spelling."""
    config = to.config or (read_text(to.config_path) or "" if to.config_path else "")
    return Redactor(spelling for secret in secret_texts(secrets, config) for spelling in spellings(secret))


if __name__ == "__main__":
    sys.exit(main())
