"""P: settings -> the text of sshd_config (sshd_config(5), OpenSSH 9)."""

from __future__ import annotations

from collections.abc import Sequence


def config_text(
    *, port: int, folder: str, host_keys: Sequence[str], sftp_server: str, session: str, shared: bool
) -> str:
    """The whole file.

    Args:
        port: TCP port.
        folder: Folder of `authorized_keys`; root's alone.
        host_keys: Files of the private host keys.
        sftp_server: The program that speaks sftp.
        session: The command that every session runs, quoted for a shell.
        shared: Whether another user than root runs the services: sshd's own helpers, which stay root's, then open no
            files or sockets for a session.
    """
    helpers = "no" if shared else "yes"
    lines = [
        "# Podkeeper writes this file at every launch of sshd; changes to it are lost.",
        f"Port {port}",
        *(f'HostKey "{file}"' for file in host_keys),
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "AllowUsers root",
        f'AuthorizedKeysFile "{folder}/authorized_keys"',
        "# The file is root's in a folder of root's. sshd would refuse it all the same: /run is 1777, as /tmp is.",
        "StrictModes no",
        "# PAM refuses root in many images, and would need more capabilities.",
        "UsePAM no",
        "# Nothing of the services' user runs before the session has become that user.",
        "PermitUserRC no",
        "PermitUserEnvironment no",
        f"AllowAgentForwarding {helpers}",
        f"AllowStreamLocalForwarding {helpers}",
        "AllowTcpForwarding yes",
        "X11Forwarding no",
        f"ForceCommand {session}",
        f"Subsystem sftp {sftp_server}",
        "# The platforms' proxies cut silent connections.",
        "ClientAliveInterval 30",
        "ClientAliveCountMax 10",
        "LoginGraceTime 30",
        "UseDNS no",
        "PrintMotd no",
        "PrintLastLog no",
        "PidFile none",
    ]
    return "\n".join(lines) + "\n"
