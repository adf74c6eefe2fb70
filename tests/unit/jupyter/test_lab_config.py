"""The text of jupyter_lab_config.py."""

import pytest

from entrypoint.jupyter.lab_config import config_text
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

FACTS = Facts(mounts=frozenset({"/"}), uid=0, temporary="/tmp", python="/opt/env/bin/python")
REQUIRED = [
    "c.ServerApp.allow_remote_access = True",
    "c.ServerApp.allow_origin = '*'",
    "c.ServerApp.disable_check_xsrf = True",
    "c.ServerApp.trust_xheaders = True",
    "c.ServerApp.terminals_enabled = True",
]


def text_of(settings: Settings) -> str:
    return config_text(settings, locate(settings, FACTS))


@pytest.mark.parametrize("line", REQUIRED)
def test_the_five_required_settings_are_set_each_with_its_reason(line: str) -> None:
    (found,) = [each for each in text_of(Settings()).splitlines() if each.startswith(line)]
    assert found.startswith(line + "  # ")


def test_the_text_is_python_that_sets_the_port_and_the_root_folder() -> None:
    text = text_of(Settings(jupyter_internal_port=9000))
    compile(text, "jupyter_lab_config.py", "exec")
    assert "c.ServerApp.port = 9000  #" in text
    assert "c.ServerApp.ip = '127.0.0.1'  #" in text
    assert "c.ServerApp.root_dir = '/comfyui'  #" in text


def test_the_text_never_holds_the_token() -> None:
    assert "s3cret" not in text_of(Settings(jupyter_token="s3cret", jupyter_password="s3cret"))


def test_behind_the_door_jupyterlab_believes_the_door() -> None:
    for auth in ("token", "none"):
        text = text_of(Settings(jupyter_auth=auth))
        assert "c.ServerApp.identity_provider_class = 'entrypoint.jupyter.identity.DoorIdentityProvider'  #" in text
        assert "IdentityProvider.token" not in text


@pytest.mark.parametrize(("auth", "switched_off"), [("token", False), ("none", True)])
def test_without_a_door_jupyterlab_has_its_own_login(auth: str, switched_off: bool) -> None:
    text = text_of(Settings(jupyter_auth=auth, jupyter_internal_port=8189))
    assert "c.ServerApp.identity_provider_class = 'entrypoint.jupyter.identity.DirectIdentityProvider'  #" in text
    assert "c.IdentityProvider.cookie_options = {'SameSite': 'Strict'}" in text
    assert ("c.IdentityProvider.token = ''" in text) is switched_off


def test_a_path_with_a_quote_or_a_line_break_stays_one_text() -> None:
    settings = Settings(home="/srv/it's here")
    compile(text_of(settings), "jupyter_lab_config.py", "exec")
