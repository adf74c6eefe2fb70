"""A: the program `webhooks`: `python -I -m entrypoint.webhooks`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.privileges import become_service_user
from entrypoint.system.redaction import Redactor
from entrypoint.webhooks.sender import Receiver
from entrypoint.webhooks.worker import Worker

_ADDRESSES = ("ON_DONE", "ON_PROBLEM")


def main() -> int:
    """Send until stopped."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    secrets = named_secrets((*_ADDRESSES, "WEBHOOK_SECRET"), paths)
    # Before the change of the user: no secret of the pod may be in a webhook. Those on the volume are copies.
    without_volume = replace(paths, kept_secrets=f"{paths.runtime}/secrets")
    known = known_secrets(Pod(settings=settings, paths=without_volume, environ=os.environ, supervisord=0))
    become_service_user(settings)
    lower_priority()
    signed = secrets.get("WEBHOOK_SECRET", "")
    receivers = {
        name: Receiver(secrets[name], signed, settings.webhooks_private) for name in _ADDRESSES if name in secrets
    }
    Worker(settings, paths, receivers, Redactor(known), signed).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
