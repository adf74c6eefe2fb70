"""A: keys: which lines of PUBLIC_KEY are public keys, and sshd's host keys, which the volume keeps.

ssh-keygen judges both: it reads what sshd reads.
"""

from __future__ import annotations

import contextlib
import os
import subprocess

from entrypoint.conditions.condition import Condition
from entrypoint.door.kept_secrets import KeptSecrets
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text, remove, write_atomically

KEYGEN = "/usr/bin/ssh-keygen"
#: The first page is not to wait for an RSA key.
_NICE = "/usr/bin/nice"
#: Seconds that ssh-keygen may take; an RSA key takes about one.
_TIMEOUT_S = 60
#: Lines that are read, and the characters of one: sshd itself reads 8192.
_MOST, _LONGEST = 100, 8192
#: ed25519 is what every client of the last ten years prefers; RSA is for the older ones.
_KINDS = ("ed25519", "rsa")


def authorized_keys(text: str) -> tuple[list[str], dict[int, str]]:
    """Return the lines of PUBLIC_KEY that sshd accepts, and line number -> why another is ignored.

    No reason repeats the line: it may be a private key. A written `\\n` separates lines, too: an env file has no other.
    """
    good: list[str] = []
    bad: dict[int, str] = {}
    lines = text.replace("\\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        key = line.strip().strip("\"'").strip()
        if not key or key.startswith("#"):
            continue
        if problem := _problem(key) if number <= _MOST else f"only {_MOST} lines are read":
            bad[number] = problem
            if "PRIVATE KEY" in key:
                break  # its other lines say no more
        else:
            good.append(key)
    return good, bad


def _problem(key: str) -> str:
    if "PRIVATE KEY" in key:
        return "it is a private key; set the public one, and make a new pair: this one is no secret any more"
    if not key.isascii() or not key.isprintable() or len(key) > _LONGEST:
        return "it is not a public key"
    found = _keygen("-l", "-f", "-", text=key + "\n")
    if found is None:
        return "it is not a public key"
    return "sshd accepts no DSA key" if found.rstrip().endswith("(DSA)") else ""


def host_keys(paths: Paths, folder: str, *, shared: bool) -> tuple[list[str], list[Condition]]:
    """Return the files of the host keys, which are the same on every pod of the volume, and the conditions found.

    Args:
        paths: They name the folder on the volume.
        folder: Where sshd reads them; root's alone. Those of an earlier launch of this start are used as they are.
        shared: Whether another user than this process's runs the services.
    """
    files = {f"ssh_host_{kind}_key": kind for kind in _KINDS}
    missing = {name: kind for name, kind in files.items() if not _is_key(f"{folder}/{name}")}
    conditions: list[Condition] = []
    if missing:
        kept, problem = None, None
        try:
            kept = KeptSecrets(paths, shared=shared)
        except OSError as error:
            problem = error
        for name, kind in missing.items():
            problem = _prepare(kept, f"{folder}/{name}", kind) or problem
        if kept:
            kept.close()
            conditions += [kept.set_aside] if kept.set_aside else []
        conditions += [_not_kept(paths, problem)] if problem else []
    return [file for name in files if _is_key(file := f"{folder}/{name}")], conditions


def _prepare(kept: KeptSecrets | None, file: str, kind: str) -> OSError | None:
    """Write the kept key to `file`; make and keep one first where there is none. Returns why it is not kept."""
    name = os.path.basename(file)
    if kept and (text := kept.read(name)):
        write_atomically(file, text, 0o600)
        if _is_key(file):
            return None
    remove(file)  # a torn write; ssh-keygen asks before it replaces a file
    _keygen("-q", "-t", kind, "-N", "", "-C", "podkeeper", "-f", file)
    with contextlib.suppress(OSError):
        remove(f"{file}.pub")
    if not kept:
        return None
    try:
        kept.write(name, read_text(file) or "")
        if text := kept.read(name):  # another pod on the same volume may have been faster
            write_atomically(file, text, 0o600)
    except OSError as error:
        return error
    return None


def _is_key(file: str) -> bool:
    return os.path.isfile(file) and not os.path.islink(file) and _keygen("-y", "-P", "", "-f", file) is not None


def _keygen(*arguments: str, text: str = "") -> str | None:
    """What ssh-keygen prints; None: it fails."""
    try:
        ended = subprocess.run(
            [_NICE, KEYGEN, *arguments], input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _not_kept(paths: Paths, problem: OSError) -> Condition:
    reason = f"cannot keep sshd's host keys in {paths.kept_secrets}: {problem.strerror}"
    remedy = "check the volume; until then ssh warns of a changed host after every start: ssh-keygen -R '[HOST]:PORT'"
    return Condition("SshHostKeyNotKept", reason, remedy)
