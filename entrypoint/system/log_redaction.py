"""A: takes the pod's secrets out of all that this process prints: log lines, tracebacks and warnings.

JupyterLab's log, Tornado's, asyncio's and uncaught exceptions quote addresses and headers of requests. All of them end
in sys.stdout and sys.stderr, those of handlers and hooks that a library installs later, too.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod
from entrypoint.system.known_secrets import known_secrets
from entrypoint.system.redaction import Redactor


class RedactedStream(io.TextIOWrapper):
    """A text stream that replaces secrets in each text that it is given."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        super().__init__(stream.buffer, "utf-8", "backslashreplace", line_buffering=True)
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write `text` without the secrets; returns its length, as print and logging expect."""
        super().write(self._redactor.text(text))
        return len(text)


def redact_output(settings: Settings, paths: Paths) -> None:
    """Redact stdout and stderr from now on.

    Call it after the change of the user, before anything that logs is imported: only secrets that the user may read
    enter the memory of a program that runs the user's code.
    """
    redactor = Redactor(known_secrets(Pod(settings=settings, paths=paths, environ=os.environ, supervisord=0)))
    sys.stdout.flush()
    sys.stdout, sys.stderr = RedactedStream(sys.stdout, redactor), RedactedStream(sys.stderr, redactor)
