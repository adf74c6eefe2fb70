"""What is checked before ComfyUI is launched."""

import os
import pathlib
import sys

import pytest

from entrypoint.comfyui import installation, preflight
from entrypoint.conditions.condition import CannotDo
from tests.support.comfyui_paths import paths_in


def test_a_python_without_torch_is_a_condition(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), sys.executable))
    assert caught.value.condition.name == "ComfyUIPackagesMissing"


def test_a_python_that_does_not_run_is_a_condition(tmp_path: pathlib.Path) -> None:
    with pytest.raises(CannotDo) as caught:
        preflight.collect(paths_in(tmp_path), installation.Source(str(tmp_path), f"{tmp_path}/no-python"))
    assert caught.value.condition.name == "ComfyUIPythonMissing"


@pytest.mark.parametrize("noise", ["echo starting", "echo '{}'", "echo '[]'; echo noise >&2", r"printf '\357\273\277'"])
def test_a_python_that_prints_lines_of_its_own_is_understood(noise: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "custom").mkdir()
    wrapper = tmp_path / "python"
    lines = ("#!/bin/sh", noise, f'{sys.executable} "$@"', "code=$?", "echo bye", "exit $code", "")
    wrapper.write_text("\n".join(lines))
    wrapper.chmod(0o755)
    assert preflight._installed(installation.Source("", str(wrapper)), ["json", "nope"]) == {
        "json": "installed",
        "nope": "",
    }


@pytest.mark.parametrize(
    ("user_folder", "writable", "knows", "moved"),
    [
        (True, True, True, False),
        (False, True, True, False),
        (True, False, True, True),
        (False, False, True, True),
        (True, False, False, False),
    ],
)
def test_the_database_moves_where_the_code_folder_is_read_only(
    user_folder: bool,
    writable: bool,
    knows: bool,
    moved: bool,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As under --read-only; root may write wherever a mode says no, so access(2) is played."""
    (tmp_path / "comfy").mkdir()
    (tmp_path / "comfy/cli_args.py").write_text('parser.add_argument("--database-url")' if knows else "")
    place = tmp_path / "user" if user_folder else tmp_path
    place.mkdir(exist_ok=True)
    monkeypatch.setattr(os, "access", lambda path, mode: writable or not path.startswith(str(place)))
    assert preflight.other_database(str(tmp_path), "/root") == ("/root/comfyui.db" if moved else "")
