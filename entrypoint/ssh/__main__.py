"""A: sshd's launcher: writes its files, then executes sshd: `python -I -m entrypoint.ssh`."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import signal
import stat
import sys

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import SERVICES
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.ssh.keys import KEYGEN, authorized_keys, host_keys
from entrypoint.ssh.sshd_config import config_text
from entrypoint.system.files import open_regular, write_atomically, write_json
from entrypoint.system.launch_report import report_launch
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.ports import wait_for_port
from entrypoint.system.privileges import missing_capabilities, service_identity_of

#: By its path, as sshd wants it, and so that no folder of a service's is searched.
SSHD = "/usr/sbin/sshd"
#: sshd's unprivileged half lives in this empty folder, a path that is compiled in; it must be root's alone.
EMPTY = "/run/sshd"
SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
#: Capability -> its bit (capabilities(7)). AUDIT_WRITE: sshd ends a session with a terminal that it cannot record.
_NEEDED = {"SETUID": 7, "SETGID": 6, "SYS_CHROOT": 18, "AUDIT_WRITE": 29}
USERS = "/etc/passwd"
_OFF = "or set SSH_ENABLED=false"


def main() -> int:
    """Execute sshd; returns an exit code only when it cannot be run."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    os.umask(0o077)
    try:
        check_machine(settings)
        keys, ignored = authorized_keys(named_secrets(["PUBLIC_KEY"], paths).get("PUBLIC_KEY", ""))
        if not keys:
            raise unavailable("no line of PUBLIC_KEY is a public key", "set it to the line in ~/.ssh/id_ed25519.pub")
        wait_for_port(settings.ssh_port, "SshPortTaken", "SSH_PORT")
    except CannotDo as error:
        return report_launch(paths.runtime, "sshd", [error.condition])
    folder, shared = f"{paths.runtime}/sshd", service_identity_of(settings).uid != 0
    os.makedirs(folder, mode=0o700, exist_ok=True)  # in the runtime folder, which is root's; made anew by every start
    files, conditions = host_keys(paths, folder, shared=shared)
    nameless = give_name(service_identity_of(settings), paths, may_write=not settings.home)
    report_launch(paths.runtime, "sshd", [*conditions, *not_public(ignored), *nameless])
    session = [paths.python, "-I", "-m", "entrypoint.ssh.session", folder]
    sftp = next(filter(os.path.exists, SFTP_SERVERS), SFTP_SERVERS[0])
    config = config_text(
        port=settings.ssh_port, folder=folder, host_keys=files, sftp_server=sftp, session=shlex.join(session),
        shared=shared,
    )  # fmt: skip
    environ = {name: text for name, text in os.environ.items() if not name.startswith("SUPERVISOR_")}
    write_json(f"{folder}/environment.json", environ, 0o600)
    write_atomically(f"{folder}/authorized_keys", "\n".join(keys) + "\n", 0o600)
    write_atomically(f"{folder}/sshd_config", config, 0o600)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and sessions would inherit that
    return os.execve(SSHD, [SSHD, "-D", "-e", "-f", f"{folder}/sshd_config"], {"PATH": os.defpath})


def check_machine(settings: Settings) -> None:
    """Raise CannotDo where sshd cannot work here."""
    if os.geteuid() != 0:
        raise unavailable(f"sshd needs root, and the pod runs as uid {os.geteuid()}", f"start the pod as root, {_OFF}")
    if missing := missing_capabilities(_NEEDED):
        remedy = f"grant the container {', '.join(missing)} (--cap-add), {_OFF}"
        raise unavailable("the container lacks capabilities that sshd needs for every connection", remedy)
    if not all(os.access(program, os.X_OK) for program in (SSHD, KEYGEN)):
        raise unavailable("sshd is not installed", f"apt-get install openssh-server, {_OFF}")
    if any(settings.ssh_port in (service.port(settings), service.public_port(settings)) for service in SERVICES):
        raise unavailable(f"SSH_PORT={settings.ssh_port} is the port of another service", "set another SSH_PORT")
    make_empty_folder()


def make_empty_folder() -> None:
    """Make sshd's empty folder where it is missing: /run may be a new file system. Raises CannotDo."""
    try:
        if not os.path.lexists(EMPTY):
            os.mkdir(EMPTY, 0o755)
        found = os.lstat(EMPTY)
    except OSError as error:
        raise unavailable(f"cannot make {EMPTY}: {error.strerror}", f"make {EMPTY} writable, {_OFF}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise unavailable(f"{EMPTY} is not a folder of root's alone", f"remove {EMPTY}; podkeeper start sshd")


def give_name(user: Identity, paths: Paths, *, may_write: bool) -> list[Condition]:
    """Give the services' user a line in /etc/passwd where it has none; returns the condition that it could not be done.

    sftp-server, scp and the ssh client exit where the uid has no name. `may_write`: in the image alone.
    """
    try:
        pwd.getpwuid(user.uid)
        return []
    except KeyError:
        pass
    with contextlib.suppress(OSError):
        if may_write:
            with open_regular(USERS) as file:
                others = [line for line in file.read().splitlines(keepends=True) if not line.startswith(b"podkeeper:")]
            entry = f"podkeeper:x:{user.uid}:{user.gid}::{paths.home}:/bin/bash\n".encode()
            write_atomically(USERS, b"".join([*others, entry]))
            return []
    reason = f"uid {user.uid} of the services has no name in {USERS}, so sftp and scp fail; ssh and rsync work"
    return [Condition("SshUserWithoutName", reason, f"useradd --uid {user.uid} podkeeper, or use rsync")]


def unavailable(reason: str, remedy: str) -> CannotDo:
    return CannotDo(Condition("SshUnavailable", reason, remedy))


def not_public(ignored: dict[int, str]) -> list[Condition]:
    """The condition that some lines of PUBLIC_KEY are ignored."""
    if not ignored:
        return []
    reason = " | ".join(f"line {number} of PUBLIC_KEY is ignored: {why}" for number, why in list(ignored.items())[:10])
    return [Condition("SshKeyIgnored", reason, "correct the line, and restart the pod; the other keys work")]


if __name__ == "__main__":
    sys.exit(main())
