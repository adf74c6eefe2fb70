"""A: the user's own Jupyter files, wherever Jupyter finds them. None can end JupyterLab or undo the pod's guard.

Jupyter drops a whole configuration, ours included, or exits, where one file has a value that a trait refuses. So every
file is loaded by the loaders below: a file that cannot be loaded counts as empty, and a setting that JupyterLab refuses
or that belongs to the pod is left out. A condition names file and setting.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sys
from typing import Any

from jupyter_server import config_manager
from jupyter_server.extension.manager import ExtensionManager
from traitlets.config import Application, Config
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from entrypoint.conditions.condition import Condition
from entrypoint.jupyter.setting_rules import refusal
from entrypoint.system.condition_store import clear_condition, raise_condition

BROKEN, IGNORED = "JupyterUserConfigBroken", "JupyterUserSettingIgnored"
_REMEDY = "fix or remove the file, then run: podkeeper restart jupyter"
#: File -> its problems, for each condition.
problems: dict[str, dict[str, list[str]]] = {BROKEN: {}, IGNORED: {}}
#: Whether the user's files are left out, because JupyterLab could not start with them.
left_out: list[bool] = [False]


def use_for_every_file() -> None:
    """Make every Jupyter application of this process load its configuration files as this module does."""
    Application.python_config_loader_class = PythonFile
    Application.json_config_loader_class = JsonFile
    manager = config_manager.BaseJSONConfigManager
    read = manager.get

    def get(self: Any, section_name: str, include_root: bool = True) -> dict[str, Any]:
        """The same files again, read for the names of extensions; one that cannot be used counts as empty."""
        if left_out[0] and _is_users(self.file_name(section_name)):
            return {}
        try:
            found: dict[str, Any] = read(self, section_name, include_root)
            found.get("ServerApp", {}).get("jpserver_extensions", {}).items()
        except (AttributeError, TypeError, ValueError, OSError):
            return {}  # the loaders below report it
        return found

    manager.get = get
    link = ExtensionManager.link_extension

    def link_extension(self: Any, name: str) -> None:
        """Jupyter catches any failure here, and would run without the pod's settings."""
        link(self, name)
        if name == "jupyterlab" and name not in self.linked_extensions:
            raise SystemExit("JupyterLab cannot take all settings; see: podkeeper logs jupyter")

    ExtensionManager.link_extension = link_extension


def leave_out_files(reason: str) -> None:
    """Load none of the user's files: JupyterLab did not start with them."""
    left_out[0] = True
    problems[BROKEN]["Jupyter"] = [
        f"JupyterLab did not start with the user's Jupyter files, and runs without: {reason}"
    ]


def user_files(folder: str) -> list[str]:
    """The user's configuration files in reading order: the file itself, then those of the `.d` folder by name."""
    first = [os.path.join(folder, "jupyter_lab_config" + ending) for ending in (".py", ".json")]
    parts = glob.glob(os.path.join(glob.escape(folder), "jupyter_lab_config.d", "*"))
    return [path for path in first + sorted(parts) if path.endswith((".py", ".json")) and os.path.isfile(path)]


def load_user_config(config: Any, folder: str) -> None:
    """Merge the user's files on the volume into `config` (called at the end of the pod's own file)."""
    for path in user_files(folder):
        loader = PythonFile if path.endswith(".py") else JsonFile
        config.merge(loader(os.path.basename(path), os.path.dirname(path)).load_config())
    _record(BROKEN, clear=True)
    _record(IGNORED, clear=True)


def _is_users(path: str) -> bool:
    ours = os.path.join(os.environ.get("JUPYTER_CONFIG_DIR", ""), "jupyter_lab_config.py")
    own_extension = os.path.join(os.path.dirname(os.path.abspath(__file__)), "server/")
    return path != ours and not path.startswith((f"{sys.prefix}/etc/jupyter/", own_extension))


class _Guarded:
    """A loader whose `load_config` raises for no file of the user's."""

    full_filename: str

    def load_config(self) -> Config:
        try:
            self._find_file()  # type: ignore[attr-defined]
        except OSError as error:
            raise ConfigFileNotFound(str(error)) from error
        path = self.full_filename
        if not _is_users(path):
            return super().load_config()  # type: ignore[misc,no-any-return]
        if left_out[0]:
            return Config()
        ignored: list[str] = []
        broken: list[str] = []
        try:
            config: Config = super().load_config()  # type: ignore[misc]
            ignored = _leave_out_settings(config, path)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # a user's file can raise anything
            broken = [f"cannot use {path}: {type(error).__name__}: {error}"]
            config = Config()
        _note(IGNORED, path, ignored)
        _note(BROKEN, path, broken)
        return config


class PythonFile(_Guarded, PyFileConfigLoader):
    """A configuration file in Python."""


class JsonFile(_Guarded, JSONFileConfigLoader):
    """A configuration file in JSON; editors on Windows write a byte order mark or UTF-16."""

    def _read_file_as_dict(self) -> dict[str, Any]:
        with open(self.full_filename, "rb") as file:
            found: dict[str, Any] = json.loads(file.read())
        return found


def _leave_out_settings(config: Config, path: str, section: str = "") -> list[str]:
    found: list[str] = []
    for name, value in list(config.items()):
        if isinstance(value, Config):
            found += _leave_out_settings(value, path, name)
            continue
        if section:
            reason = refusal(section, name, value)
        else:
            reason = "a class needs settings in {}" if name[:1].isupper() else ""
        if reason:
            del config[name]
            found.append(f"{path}: {section}.{name} is ignored: {reason}".replace(" .", " "))
    return found


def _note(name: str, path: str, found: list[str]) -> None:
    """Record a file's problems. Jupyter loads some files once for each of its applications."""
    if problems[name].get(path, []) != found:
        problems[name][path] = found
        for text in found:
            print(f"{name}: {text}", file=sys.stderr)
        _record(name)


def _record(name: str, clear: bool = False) -> None:
    runtime = os.environ.get("PODKEEPER_RUNTIME_PATH", "")
    reason = "; ".join(text for found in problems[name].values() for text in found)
    with contextlib.suppress(OSError):  # a full runtime folder must not cost the pod's own settings
        if runtime and reason:
            raise_condition(runtime, Condition(name, reason, _REMEDY))
        elif runtime and clear:
            clear_condition(runtime, name)
