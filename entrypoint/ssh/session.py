"""A: an ssh session: becomes the services' user, then the shell, command or sftp server that the client asks for.

sshd runs it as root for every session (ForceCommand): `python -I -m entrypoint.ssh.session FOLDER`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_table
from entrypoint.system.kept_changes import keep_changes
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.privileges import become_service_user, own_identity, service_identity_of

BASH = "/bin/bash"
#: What sshd says of the connection. (SSH_PORT and SSH_ENABLED are the pod's.)
CONNECTION = ("SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK", "TERM")


def main(folder: str) -> NoReturn:
    """Execute what the client asks for, with the environment of JupyterLab's terminals; `folder`: the launcher's."""
    pod = read_table(f"{folder}/environment.json")
    if not pod:
        raise SystemExit("podkeeper: cannot read the pod's environment; podkeeper restart sshd")
    settings, paths = Settings.from_environ(pod), Paths.from_environ(pod)
    secrets = named_secrets(settings.terminal_secrets, paths)
    connection = {name: os.environ[name] for name in CONNECTION if name in os.environ}
    command = os.environ.get("SSH_ORIGINAL_COMMAND")
    user = service_identity_of(settings)
    if user != own_identity() and os.isatty(0):
        os.fchown(0, user.uid, -1)  # tmux and others open the terminal by its name
    become_service_user(settings)
    environ = keep_changes(paths) | pod | secrets | connection
    with contextlib.suppress(OSError):
        os.chdir(paths.home)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(BASH, ["-bash"] if command is None else ["bash", "-c", command], environ)


if __name__ == "__main__":
    main(sys.argv[1])
