"""Where ComfyUI's code and its Python are found."""

import pathlib
import stat

import pytest

from entrypoint.comfyui import installation
from entrypoint.conditions.condition import CannotDo
from entrypoint.settings.settings import Settings


@pytest.mark.parametrize(
    ("has_main", "environment", "condition"),
    [
        (False, ".venv", "ComfyUIMissing"),
        (True, "", "ComfyUIMissing"),
        (True, ".venv", ""),
        (True, "venv", ""),
    ],
)
def test_the_users_own_comfyui(has_main: bool, environment: str, condition: str, tmp_path: pathlib.Path) -> None:
    python = tmp_path / environment / "bin/python"
    if has_main:
        (tmp_path / "main.py").write_text("")
    if environment:
        python.parent.mkdir(parents=True)
        python.write_text("#!/bin/sh\n")
        python.chmod(python.stat().st_mode | stat.S_IXUSR)
    settings = Settings(comfyui_dir=str(tmp_path))
    if condition:
        with pytest.raises(CannotDo) as caught:
            installation.find(settings)
        assert caught.value.condition.name == condition
    else:
        assert installation.find(settings) == installation.Source(str(tmp_path), str(python))


def test_a_failed_clone_is_a_condition_with_gits_reason(tmp_path: pathlib.Path) -> None:
    settings = Settings(home=str(tmp_path), comfyui_repo=str(tmp_path / "no-repository"))
    with pytest.raises(CannotDo) as caught:
        installation.find(settings)
    assert caught.value.condition.name == "ComfyUIMissing"
    assert "no-repository" in caught.value.condition.reason
    assert not (tmp_path / "comfyui-source").exists()
