"""The user's own Jupyter settings come last, and a broken file is a condition, not fatal."""

from __future__ import annotations

import json
import pathlib

import pytest
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from entrypoint.jupyter.user_config import load_user_config, problems, user_files
from entrypoint.system.condition_store import read_conditions


def load(folder: pathlib.Path) -> Config:
    """Run a configuration that ends as ours does, through traitlets' own loader."""
    for found in problems.values():
        found.clear()  # a new process has none
    main = folder / "main.py"
    main.write_text(
        "c = get_config()\nc.ServerApp.max_body_size = 1\n"
        "from entrypoint.jupyter.user_config import load_user_config\n"
        f"load_user_config(c, {str(folder)!r})\n"
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
    (tmp_path / "jupyter_lab_config.py").write_text("c.ServerApp.max_body_size = 2\nc.LabApp.dark = True\n")
    (tmp_path / "jupyter_lab_config.d").mkdir()
    (tmp_path / "jupyter_lab_config.d" / "a.json").write_text(json.dumps({"ServerApp": {"max_body_size": 3}}))
    config = load(tmp_path)
    assert config.ServerApp.max_body_size == 3
    assert config.LabApp.dark is True


@pytest.mark.parametrize("text", ["c.ServerApp.max_body_size = ", "1/0", "import nothing_like_this", "exit(1)",
                                  "raise SystemError", "raise KeyboardInterrupt", "open('/nowhere')"])  # fmt: skip
def test_a_broken_file_is_a_condition_and_the_rest_counts(
    text: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("PODKEEPER_RUNTIME_PATH", str(runtime))
    (tmp_path / "jupyter_lab_config.py").write_text(text)
    (tmp_path / "jupyter_lab_config.d").mkdir()
    (tmp_path / "jupyter_lab_config.d" / "a.py").write_text("c.ServerApp.max_body_size = 3")
    assert load(tmp_path).ServerApp.max_body_size == 3
    (condition,) = read_conditions(str(runtime))
    assert condition.name == "JupyterUserConfigBroken"
    assert str(tmp_path / "jupyter_lab_config.py") in condition.reason
    (tmp_path / "jupyter_lab_config.py").unlink()
    load(tmp_path)
    assert read_conditions(str(runtime)) == []


def test_no_folder_no_settings(tmp_path: pathlib.Path) -> None:
    load_user_config(Config(), str(tmp_path / "nowhere"))


@pytest.mark.parametrize("ending", [".py", ".json"])
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ServerApp.max_buffer_size", "abc"),
        ("ServerApp.allow_origin", None),
        ("ServerApp.root_dir", "/nowhere"),
        ("NotebookApp.notebook_dir", "/nowhere"),
        ("LabApp.root_dir", "/nowhere"),
        ("Application.log_level", "loud"),
        ("ServerApp.contents_manager_class", "no.Such"),
        ("ContentsManager.allow_hidden", "maybe"),
        ("ServerApp.port", "abc"),
        ("NotebookApp.port", 8888),
        ("ServerApp.certfile", "/x.pem"),
        ("NotebookApp.base_url", "/x/"),
        ("NotebookApp.token", ""),
        ("JupyterApp.password", ""),
        ("IdentityProvider.token", ""),
        ("DirectIdentityProvider.token", ""),
        ("ServerApp.IdentityProvider.token", ""),
        ("LoggingConfigurable.token", ""),
        ("ServerApp.show_config", True),
        ("JupyterApp.config_file", "/x.py"),
        ("ServerApp.IdentityProvider.hashed_password", ""),
    ],
)
def test_a_setting_that_is_refused_or_the_pods_is_left_out_and_named(
    setting: str, value: object, ending: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    monkeypatch.setenv("PODKEEPER_RUNTIME_PATH", str(runtime))
    path = tmp_path / ("jupyter_lab_config" + ending)
    if ending == ".py":
        path.write_text(f"c.LabApp.dark = True\nc.{setting} = {value!r}\n")
    else:
        *sections, trait = setting.split(".")
        table: dict[str, object] = {trait: value}
        for section in reversed(sections):
            table = {section: table}
        table["LabApp"] = {"dark": True, **table.get("LabApp", {})}  # type: ignore[dict-item]
        path.write_text(json.dumps(table), "utf-8-sig")
    config = load(tmp_path)
    assert config.LabApp.dark is True
    last = setting.partition(".")[2] if setting.count(".") == 2 else setting
    (condition,) = read_conditions(str(runtime))
    assert condition.name == "JupyterUserSettingIgnored"
    assert f"{path}: {last} is ignored: " in condition.reason
    assert last.partition(".")[2] not in repr(config)
    path.unlink()
    load(tmp_path)
    assert read_conditions(str(runtime)) == []


def test_a_change_of_a_setting_that_is_the_pods_is_left_out(tmp_path: pathlib.Path) -> None:
    (tmp_path / "jupyter_lab_config.py").write_text("c.LabApp.port.append(1)")
    assert "port" not in load(tmp_path).LabApp


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_in_the_encodings_of_editors(encoding: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "jupyter_lab_config.json").write_text('{"LabApp": {"dark": true}}', encoding)
    assert load(tmp_path).LabApp.dark is True


@pytest.mark.parametrize("text", ["[1]", '"x"', '{"ServerApp": 5}', '{"ServerApp": [1], "LabApp": null}', "{", ""])
def test_json_of_another_shape_is_a_condition(
    text: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("PODKEEPER_RUNTIME_PATH", str(tmp_path / "run"))
    (tmp_path / "jupyter_lab_config.json").write_text(text)
    assert load(tmp_path).ServerApp.max_body_size == 1
    assert str(tmp_path / "jupyter_lab_config.json") in read_conditions(str(tmp_path / "run"))[0].reason


def test_settings_that_users_may_have_are_kept(tmp_path: pathlib.Path) -> None:
    text = f"c.ServerApp.root_dir = {str(tmp_path)!r}\nc.ServerApp.extra_static_paths.append('/x')\n"
    (tmp_path / "jupyter_lab_config.py").write_text(text + "c.MyOwnExtension.port = 5\nc.ServerApp.port_x = 1\n")
    config = load(tmp_path)
    assert config.ServerApp.root_dir == str(tmp_path)
    assert "extra_static_paths" in config.ServerApp
    assert config.MyOwnExtension.port == 5


def test_a_condition_that_cannot_be_stored_costs_no_setting(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").write_text("a file is in the way")
    monkeypatch.setenv("PODKEEPER_RUNTIME_PATH", str(tmp_path / "run"))
    (tmp_path / "jupyter_lab_config.py").write_text("c.ServerApp.port = 'abc'\n")
    assert load(tmp_path).ServerApp.max_body_size == 1
