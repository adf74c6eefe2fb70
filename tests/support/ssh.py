"""A real ssh client: a new key pair, and the options for a pod whose address and port others had before."""

from __future__ import annotations

import subprocess
from pathlib import Path


def new_key(folder: Path, name: str = "id", kind: str = "ed25519") -> Path:
    """Make a key pair; returns the private key's file. The public one is beside it, `.pub`."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name}@test", "-f", key], check=True)
    return key


def options(key: Path, port: int, known: Path | None = None) -> list[str]:
    """Options of ssh and sftp; `known`: the file of known hosts, where a host key that changed is an error."""
    trust = ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"]
    if known:
        trust = ["-oStrictHostKeyChecking=accept-new", f"-oUserKnownHostsFile={known}", "-oHostKeyAlias=pod"]
    fixed = ["-F", "none", "-oIdentitiesOnly=yes", "-oBatchMode=yes", "-oLogLevel=ERROR", "-oConnectTimeout=10"]
    return ["-i", str(key), f"-oPort={port}", *trust, *fixed]


def ssh(
    key: Path, port: int, *command: str, known: Path | None = None, text: str = "", more: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command in a session, or with none a login shell that reads `text`."""
    line = ["ssh", *options(key, port, known), *more, "root@127.0.0.1", *command]
    return subprocess.run(line, input=text, capture_output=True, text=True, timeout=60)
