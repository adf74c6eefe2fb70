"""A: secrets that the user hands to one program by name: 0600 files of root's, which that program's launcher reads.

Nothing else carries a secret: not supervisord's environment, not supervisord.conf, no argument.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_text, write_atomically


def keep_named(secrets: Mapping[str, str], paths: Paths) -> None:
    """Write each secret to a file of its own. Raises OSError: the runtime folder cannot be written."""
    folder = _folder(paths)
    os.makedirs(folder, mode=0o700, exist_ok=True)  # every start makes it anew (boot.own_folders)
    for name, text in secrets.items():
        write_atomically(f"{folder}/{name}", text, 0o600)


def named_secrets(names: Iterable[str], paths: Paths) -> dict[str, str]:
    """Variable -> secret, read while the launcher may still be root; a secret that cannot be read is left out."""
    found = {name: read_text(f"{_folder(paths)}/{name}") for name in names}
    return {name: text for name, text in found.items() if text}


def _folder(paths: Paths) -> str:
    return f"{paths.runtime}/secrets"
