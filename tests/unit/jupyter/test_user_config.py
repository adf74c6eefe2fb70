"""The user's own Jupyter settings come last, and a broken file is a condition, not fatal."""

import json
import pathlib

import pytest
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from entrypoint.jupyter.user_config import load_user_config, user_files
from entrypoint.system.condition_store import read_conditions


def load(folder: pathlib.Path) -> Config:
    """Run a configuration that ends as ours does, through traitlets' own loader."""
    main = folder / "main.py"
    main.write_text(
        "c = get_config()\nc.ServerApp.port = 1\n"
        "from entrypoint.jupyter.user_config import load_user_config\n"
        f"load_user_config(c, load_subconfig, {str(folder)!r})\n"
    )
    config: Config = PyFileConfigLoader(str(main)).load_config()
    return config


def test_the_file_comes_before_the_folders_files_by_name(tmp_path: pathlib.Path) -> None:
    (tmp_path / "jupyter_lab_config.d").mkdir()
    for name in (
        "jupyter_lab_config.d/20.py",
        "jupyter_lab_config.d/10.json",
        "jupyter_lab_config.py",
        "other.py",
    ):
        (tmp_path / name).write_text("")
    (tmp_path / "jupyter_lab_config.d" / "notes.txt").write_text("")
    assert [pathlib.Path(path).name for path in user_files(str(tmp_path))] == [
        "jupyter_lab_config.py",
        "10.json",
        "20.py",
    ]


def test_the_users_settings_win(tmp_path: pathlib.Path) -> None:
    (tmp_path / "jupyter_lab_config.py").write_text("c.ServerApp.port = 2\nc.LabApp.dark = True\n")
    (tmp_path / "jupyter_lab_config.d").mkdir()
    (tmp_path / "jupyter_lab_config.d" / "a.json").write_text(json.dumps({"ServerApp": {"port": 3}}))
    config = load(tmp_path)
    assert config.ServerApp.port == 3
    assert config.LabApp.dark is True


@pytest.mark.parametrize("text", ["c.ServerApp.port = ", "1/0", "import nothing_like_this", "raise SystemError"])
def test_a_broken_file_is_a_condition_and_the_rest_counts(
    text: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("PODKEEPER_RUNTIME_PATH", str(runtime))
    (tmp_path / "jupyter_lab_config.py").write_text(text)
    (tmp_path / "jupyter_lab_config.d").mkdir()
    (tmp_path / "jupyter_lab_config.d" / "a.py").write_text("c.ServerApp.port = 3")
    assert load(tmp_path).ServerApp.port == 3
    (condition,) = read_conditions(str(runtime))
    assert condition.name == "JupyterUserConfigBroken"
    assert str(tmp_path / "jupyter_lab_config.py") in condition.reason
    (tmp_path / "jupyter_lab_config.py").unlink()
    load(tmp_path)
    assert read_conditions(str(runtime)) == []


def test_no_folder_no_settings(tmp_path: pathlib.Path) -> None:
    load_user_config(Config(), lambda path: None, str(tmp_path / "nowhere"))
