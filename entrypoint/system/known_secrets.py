"""A: collects every secret of this pod, in every spelling in which a text may contain it."""

from __future__ import annotations

import base64
import html
import itertools
import json
import os
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from entrypoint.settings.secret_names import LISTS, is_public_of_outputs, is_secret
from entrypoint.settings.settings import secret_variables
from entrypoint.system.attach import Pod
from entrypoint.system.files import read_text

#: Shorter values (`true`, `none`) are words, not secrets, except those of the pod's own secret settings.
_SHORTEST = 6


def known_secrets(pod: Pod) -> set[str]:
    """Return the secrets in files and in this process's environment (`docker exec` has the container's)."""
    found = set(_in_files(pod))
    for name, text in {**pod.environ, **os.environ}.items():
        if is_public_of_outputs(name):
            continue
        if name in secret_variables() or (is_secret(name) and len(text) >= _SHORTEST and not _is_ours(name)):
            found.add(text.strip())
    return {spelling for secret in found if secret for spelling in spellings(secret)}


def _is_ours(name: str) -> bool:
    """Whether the variable is one of the pod's own that holds no secret: JUPYTER_TOKEN_FILE, JUPYTER_AUTH, lists of
    names (COMFYUI_SECRETS)."""
    return name.startswith("PODKEEPER_") or name.endswith(("_FILE", "_AUTH")) or name.lower() in LISTS


def _in_files(pod: Pod) -> Iterable[str]:
    paths = pod.paths
    yield (read_text(paths.token_file) or "").strip()
    yield (read_text(paths.cookie_secret_file) or "").strip()
    yield (read_text(paths.door_secret_file) or "").strip()
    for folder in (f"{paths.runtime}/secrets", paths.kept_secrets):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in itertools.filterfalse(is_public_of_outputs, names):
            text = (read_text(f"{folder}/{name}") or "").strip()
            if _SHORTEST <= len(text) <= 4096 and "\n" not in text:
                yield text


def spellings(secret: str) -> Iterable[str]:
    """Yield the secret as it is, as URLs, JSON and HTML encode it, and as HTTP Basic authentication does."""
    content = os.fsencode(secret)  # an environment can hold any bytes
    yield secret
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield quote(content, safe="")
    yield quote_plus(content)
    yield base64.b64encode(content).decode()
