"""A: the secrets that rclone gets, which the pod keeps for it, and what hides them in messages."""

from __future__ import annotations

import os

from entrypoint.outputs.remote import Remote, secret_texts
from entrypoint.settings.paths import Paths
from entrypoint.settings.secret_names import is_for_outputs
from entrypoint.system.files import read_text
from entrypoint.system.known_secrets import spellings
from entrypoint.system.named_secrets import named_secrets, secrets_kept
from entrypoint.system.redaction import Redactor


def kept_for_rclone(paths: Paths) -> dict[str, str]:
    """Variable -> value; read while this process may still be root, else what its own environment has."""
    own = {name: text for name, text in os.environ.items() if is_for_outputs(name)}
    return own | named_secrets(filter(is_for_outputs, secrets_kept(paths)), paths)


def redactor_of(secrets: dict[str, str], to: Remote) -> Redactor:
    """A redactor of what rclone knows, in every spelling; reads the user's rclone.conf, so not as root."""
    config = to.config or (read_text(to.config_path) or "" if to.config_path else "")
    return Redactor(spelling for secret in secret_texts(secrets, config) for spelling in spellings(secret))
