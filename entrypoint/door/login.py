"""A: the login token and the cookie secret: their source and the files that keep them."""

from __future__ import annotations

import os
import re
import secrets

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.door.kept_secrets import KeptSecrets
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.users import Identity
from entrypoint.system.files import write_atomically

#: A generated secret: 32 random bytes as URL-safe base64. Anything else in a kept file is a torn write.
_GENERATED = re.compile(r"[A-Za-z0-9_-]{43}")

JUPYTER_AUTH_OFF = Condition(
    "JupyterAuthOff",
    "JUPYTER_AUTH=none: anyone who knows this pod's address can run commands and read files",
    "unset JUPYTER_AUTH",
)
COMFYUI_AUTH_OFF = Condition(
    "ComfyUIAuthOff",
    "COMFYUI_AUTH=none: anyone who knows this pod's address can use ComfyUI and everything its nodes can do",
    "unset COMFYUI_AUTH",
)
WEAK_TOKEN = Condition(
    "WeakToken",
    "the token of this pod is easy to guess, and its address is public",
    "set JUPYTER_TOKEN to 16 or more random characters, or unset it: the pod then makes one",
)
#: Characters of a token that cannot be tried out, and how many different ones it has.
_SHORTEST, _FEWEST = 16, 6
_OBVIOUS = (
    "password", "passwort", "passw0rd", "jupyter", "runpod", "podkeeper", "comfyui", "comfy", "administrator", "admin",
    "changeme", "change", "letmein", "welcome", "secret", "default", "token", "qwerty", "0123456789", "1234567890",
    "12345678", "123456", "1234", "123", "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop", "abcdefgh", "abcdef", "abc",
)  # fmt: skip


def prepare_login(settings: Settings, paths: Paths, service: Identity) -> None:
    """Write the token and the cookie secret, 0600, for the door and, without one, JupyterLab (its user is `service`).

    Raises:
        CannotDo: The volume can't keep a generated secret; the login works, but only until the next start.
    """
    owner = (service.uid, service.gid)
    write_atomically(paths.door_secret_file, secrets.token_hex(32), 0o600)
    kept, problem = _open_kept(paths, service)
    names = [paths.cookie_secret_file]
    if settings.token:
        write_atomically(paths.token_file, settings.token, 0o600, owner)
    elif "token" in (settings.jupyter_auth, settings.comfyui_auth):
        names.append(paths.token_file)
    for copy in names:
        problem = _prepare(kept, copy, owner) or problem
    if kept:
        kept.close()
    if problem:
        reason = f"cannot keep the login on {paths.stored}: {problem.strerror}"
        remedy = "set JUPYTER_TOKEN; without it the login address changes with every start"
        raise CannotDo(Condition("LoginNotKept", reason, remedy))
    if kept and kept.set_aside:
        raise CannotDo(kept.set_aside)


def check_token(settings: Settings) -> None:
    """Raise CannotDo, at every start, where the user has chosen a token that can be guessed."""
    if settings.token and "token" in (settings.jupyter_auth, settings.comfyui_auth) and is_weak(settings.token):
        raise CannotDo(WEAK_TOKEN)


def is_weak(token: str) -> bool:
    """Whether a token is short, or little more than words and runs that are tried first."""
    rest = token.lower()
    for word in _OBVIOUS:
        rest = rest.replace(word, "")
    return len(token) < _SHORTEST or len(rest) < _SHORTEST // 2 or len(set(token)) < _FEWEST


def check_login_enabled(auth: str, disabled: Condition) -> None:
    """Raise CannotDo, at every start, where the user has switched a login off."""
    if auth == "none":
        raise CannotDo(disabled)


def _open_kept(paths: Paths, service: Identity) -> tuple[KeptSecrets | None, OSError | None]:
    try:
        return KeptSecrets(paths, shared=service.uid != os.geteuid()), None
    except OSError as error:
        return None, error


def _prepare(kept: KeptSecrets | None, copy: str, owner: tuple[int, int]) -> OSError | None:
    """Write the kept secret to `copy`; generate and keep one first where there is none."""
    name, problem = os.path.basename(copy), None
    secret = kept.read(name) if kept else ""
    if not _GENERATED.fullmatch(secret):
        secret = secrets.token_urlsafe(32)
        if kept:
            try:
                kept.write(name, secret)
                secret = kept.read(name) or secret  # another pod on the same volume may have been faster
            except OSError as error:
                problem = error
    write_atomically(copy, secret, 0o600, owner)
    return problem
