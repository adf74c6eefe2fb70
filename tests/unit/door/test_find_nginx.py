"""Where nginx is looked for, and the settings where there is none."""

import pathlib

import pytest

from entrypoint.door.find_nginx import find_nginx, without_door_if_nginx_is_missing
from entrypoint.settings.settings import Settings


def test_nginx_is_found_on_the_path_and_where_debian_puts_it(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "nginx"
    program.write_text("")
    assert find_nginx(str(tmp_path)) != str(program)  # it can't be run
    program.chmod(0o755)
    assert find_nginx(f"/nowhere:{tmp_path}") == str(program)


def test_without_nginx_every_service_listens_on_its_public_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrypoint.door.find_nginx._USUAL_FOLDERS", ())
    settings = without_door_if_nginx_is_missing(Settings(), "/nowhere")
    assert settings.door_port == 0
    assert (settings.jupyter_internal_port, settings.comfyui_internal_port, settings.status_internal_port) == (
        8189,
        8188,
        8190,
    )
    assert Settings.from_environ(settings.to_environ()) == settings


def test_with_nginx_the_settings_stay(tmp_path: pathlib.Path) -> None:
    (tmp_path / "nginx").touch(mode=0o755)
    assert without_door_if_nginx_is_missing(Settings(), str(tmp_path)) == Settings()
