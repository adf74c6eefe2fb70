"""A: secrets that the user hands to one program by name: 0600 files of root's, which that program's launcher reads.

Nothing else carries a secret: not supervisord's environment, not supervisord.conf, no argument.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping

from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_bytes, write_atomically


def keep_named(secrets: Mapping[str, str], paths: Paths) -> None:
    """Write each secret to a file of its own. Raises OSError: the runtime folder cannot be written."""
    folder = _folder(paths)
    os.makedirs(folder, mode=0o700, exist_ok=True)  # every start makes it anew (boot.own_folders)
    for name, text in secrets.items():
        write_atomically(f"{folder}/{name}", os.fsencode(text), 0o600)


def named_secrets(names: Iterable[str], paths: Paths) -> dict[str, str]:
    """Variable -> secret, read while the launcher may still be root; a secret that cannot be read is left out."""
    found = {}
    for name in names:
        with contextlib.suppress(OSError):
            found[name] = os.fsdecode(read_bytes(f"{_folder(paths)}/{name}"))
    return found


def secrets_kept(paths: Paths) -> list[str]:
    """The names of all secrets that are kept; [] for a process that may not see them."""
    try:
        return os.listdir(_folder(paths))
    except OSError:
        return []


def _folder(paths: Paths) -> str:
    return f"{paths.runtime}/secrets"
