"""P: which variables hold a secret, and which of them ComfyUI and terminals get (COMFYUI_SECRETS, TERMINAL_SECRETS).

Every program of the pod runs code that the user has not read: custom nodes, notebooks, packages. So a secret of the
container's environment reaches a program only where the user has named both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

#: `Settings`, whose module imports this one.
Settings = Any

#: The login's: a program that has it can log in at every port, and so can a page that the program serves.
DOOR = frozenset({"JUPYTER_TOKEN", "JUPYTER_PASSWORD"})
#: RunPod's own key of the pod, which can delete the user's pods.
ROOTS = frozenset({"RUNPOD_API_KEY"})
#: Settings that hold names of secrets.
LISTS = ("comfyui_secrets", "terminal_secrets")

_NAME = re.compile(r"[A-Z][A-Z_]{1,40}")
_WORD = re.compile(r"[A-Za-z0-9_.=/+-]+")
_SECRET = re.compile(
    "PASSW(?:OR)?D|PASSPHRASE|SSHPASS|SECRET|CREDENTIAL|API_?KEY|AUTHORIZATION|COOKIE|(?:PRIVATE|ACCESS)_?KEY"
    "|^(?:AWS|BUCKET)_|^RCLONE_CONFIG(?:_|$)|^ON_(?:DONE|PROBLEM)(?:_FILE)?$"
    "|_(?:PASS|PWD|PAT|DSN|AUTH)(?:_FILE)?$"
    "|(?:_|^)KEYS?(?:_FILE|_ID|_BASE64|_B64)?$"
    # HF_TOKEN, HFTOKEN_2 and TOKENS are secrets; TOKENIZERS_PARALLELISM and MAX_TOKENS are not.
    "|(?<!MAX_)(?<!NUM_)TOKENS?(?![A-Z])",
    re.IGNORECASE,
)
#: Variables of rclone's, or their endings, whose values are words such as `Cloudflare`.
_PUBLIC_OF_OUTPUTS = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
_PUBLIC_ENDS = ("_TYPE", "_PROVIDER", "_REGION", "_ENDPOINT", "_ENV_AUTH")
_PUBLIC = re.compile(r"PUBLIC_?KEYS?(?:_FILE)?$", re.IGNORECASE)


def is_secret(variable: str) -> bool:
    """Whether a variable's name says that its value, or the file that the value names, is a secret."""
    return bool(_SECRET.search(variable)) and not _PUBLIC.search(variable)


def is_for_outputs(variable: str) -> bool:
    """Whether rclone takes the variable (OUTPUTS_TO): its remotes, and the login of S3; not the path of a secret's
    file."""
    begins = variable == "RCLONE_CONFIG" or variable.startswith(("RCLONE_CONFIG_", "AWS_"))
    return begins and variable.isascii() and variable.isidentifier() and not variable.endswith("_FILE")


def is_public_of_outputs(variable: str) -> bool:
    """Whether the variable's value may be shown, though only rclone gets it."""
    of_a_remote = variable.startswith("RCLONE_CONFIG_") and variable.endswith(_PUBLIC_ENDS)
    return of_a_remote or variable in _PUBLIC_OF_OUTPUTS


def variables(text: str) -> tuple[str, ...]:
    """Parse words separated by commas or spaces, quotes around them removed (`docker run --env-file` keeps them).

    `without_refused` takes out what is no name of a variable; a word that a shell would change becomes `-`.
    """
    words = (word.strip("\"'") for word in text.replace(",", " ").split())
    return tuple(dict.fromkeys(word if _WORD.fullmatch(word) else "-" for word in words if word))


def named(settings: Settings) -> tuple[str, ...]:
    """The variables that COMFYUI_SECRETS and TERMINAL_SECRETS name."""
    return tuple(dict.fromkeys(name for each in LISTS for name in getattr(settings, each)))


def without_refused(settings: Settings, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Return the settings without the names that no program may get or that are not set, and a line for each.

    Args:
        settings: The settings.
        environ: Variable -> value, those read from files (`X_FILE`) among them.
    """
    problems: list[str] = []
    kept: dict[str, Any] = {}
    for each in LISTS:
        refused = {name: why for name in getattr(settings, each) if (why := _refused(name, environ))}
        problems += [
            f"cannot use {_shown(name)} in {each.upper()}: {why}; it is ignored" for name, why in refused.items()
        ]
        kept[each] = tuple(name for name in getattr(settings, each) if name not in refused)
    return replace(settings, **kept), problems


def _refused(name: str, environ: Mapping[str, str]) -> str:
    if name.removesuffix("_FILE") in DOOR:
        return "it is the login of this pod, which no program gets"
    if name.removesuffix("_FILE") in ROOTS:
        return "it is RunPod's key of this pod, which no program gets"
    return "" if environ.get(name, "").strip() else "the pod has no such variable"


def _shown(word: str) -> str:
    """The word where it can be a name only: a user may have put the secret itself there."""
    return word if _NAME.fullmatch(word) else "a word"
