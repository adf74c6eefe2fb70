"""A: every secret that can be found on this pod, in every spelling it may be written in."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from entrypoint.settings.settings import secret_variables
from entrypoint.system.attach import Pod
from entrypoint.system.files import read_text

#: Variables of the user's own that hold a secret, by their names.
_NAMES = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|AUTHORIZATION|COOKIE", re.I)
#: Shorter ones (`true`, `none`) are no secrets but words, except where the name is one of ours.
_SHORTEST = 6


def known_secrets(pod: Pod) -> set[str]:
    """Those in files, and those in this process's environment (`docker exec` has the container's)."""
    found = set(_in_files(pod))
    for name, text in {**pod.environ, **os.environ}.items():
        if name in secret_variables() or (_NAMES.search(name) and len(text) >= _SHORTEST and not _is_ours(name)):
            found.add(text.strip())
    return {spelling for secret in found if secret for spelling in _spellings(secret)}


def _is_ours(name: str) -> bool:
    """Places and settings of ours name files, not secrets: JUPYTER_TOKEN_FILE, JUPYTER_AUTH."""
    return name.startswith("PODKEEPER_") or name.endswith(("_FILE", "_AUTH"))


def _in_files(pod: Pod) -> Iterable[str]:
    paths = pod.paths
    yield (read_text(paths.token_file) or "").strip()
    yield (read_text(paths.cookie_secret_file) or "").strip()
    for folder in (f"{paths.runtime}/secrets", paths.kept_secrets):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            text = (read_text(f"{folder}/{name}") or "").strip()
            if _SHORTEST <= len(text) <= 4096 and "\n" not in text:
                yield text


def _spellings(secret: str) -> Iterable[str]:
    """As it is, as it travels in addresses, in JSON and HTML, and as HTTP's basic login writes it."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield base64.b64encode(secret.encode()).decode()
