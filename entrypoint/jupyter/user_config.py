"""A: the user's own Jupyter configuration, read last; a broken file becomes a condition, and JupyterLab starts."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from entrypoint.conditions.condition import Condition
from entrypoint.system.condition_store import clear_condition, raise_condition

NAME = "JupyterUserConfigBroken"


def user_files(folder: str) -> list[str]:
    """The user's configuration files in reading order: the file itself, then those of the `.d` folder by name."""
    first = [os.path.join(folder, "jupyter_lab_config" + ending) for ending in (".py", ".json")]
    parts = glob.glob(os.path.join(glob.escape(folder), "jupyter_lab_config.d", "*"))
    return [path for path in first + sorted(parts) if path.endswith((".py", ".json")) and os.path.isfile(path)]


def load_user_config(config: Any, load_subconfig: Callable[[str], None], folder: str) -> None:
    """Merge the user's files into `config` (called at the end of the file that `config` writes)."""
    broken = []
    for path in user_files(folder):
        try:
            if path.endswith(".json"):
                with open(path, encoding="utf-8") as file:
                    config.merge(type(config)(json.load(file)))
            else:
                load_subconfig(path)
        except Exception as error:  # a user's file can raise anything
            broken.append(f"cannot use {path}: {type(error).__name__}: {error}")
    _report(broken)


def _report(broken: list[str]) -> None:
    runtime = os.environ.get("PODKEEPER_RUNTIME_PATH", "")
    condition = Condition(NAME, "; ".join(broken), "fix or remove the file, then run: podkeeper restart jupyter")
    if runtime and not broken:
        clear_condition(runtime, NAME)
    elif runtime and raise_condition(runtime, condition):
        print(condition, file=sys.stderr)
