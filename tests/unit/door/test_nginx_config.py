"""The gateway's configuration, and where nginx is looked for."""

import hashlib
import pathlib
import re
from base64 import urlsafe_b64encode

import pytest

from entrypoint.door import __main__ as launcher
from entrypoint.door.find_nginx import find_nginx, without_gateway_if_nginx_is_missing
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.door.origins import own_origins
from entrypoint.settings.settings import Settings

TEMPLATE = (pathlib.Path(launcher.HERE) / "nginx.conf").read_text()
SECRETS = Secrets("the-token", "the-cookie-secret", "0f" * 32)


def test_every_word_is_filled_in_and_the_token_is_in_none() -> None:
    text = config_text(TEMPLATE, Settings(pod_id="abc"), SECRETS)
    assert re.findall(r"@[A-Z_]+@", text) == []
    assert "the-token" not in text
    assert "the-cookie-secret" not in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), ["listen 0.0.0.0:8188 ", "server 127.0.0.1:18188;", "default token;"]),
        (Settings(comfyui_port=1, comfyui_internal_port=2), ["listen 0.0.0.0:1 ", "server 127.0.0.1:2;"]),
        (Settings(comfyui_auth="none"), ["default none;"]),
        (Settings(pod_id="abc"), ['"https://abc-8188.proxy.runpod.net" 1;', '"http://localhost:8188" 1;']),
        (Settings(allowed_origins=("https://my.example",)), ['"https://my.example" 1;']),
    ],
)
def test_settings_become_these_words(settings: Settings, words: list[str]) -> None:
    text = config_text(TEMPLATE, settings, SECRETS)
    for word in words:
        assert word in text


def test_an_origin_listed_twice_is_written_once() -> None:
    """nginx refuses a map with the same word twice."""
    settings = Settings(pod_id="abc", allowed_origins=("https://abc-8188.proxy.runpod.net",))
    assert config_text(TEMPLATE, settings, SECRETS).count("https://abc-8188.proxy.runpod.net") == 1
    assert len(own_origins(settings, settings.comfyui_port)) == 5


def test_the_cookie_changes_with_the_token_and_with_the_pods_secret() -> None:
    others = [Secrets("other", "the-cookie-secret", "0f"), Secrets("the-token", "other", "0f")]
    for other in others:
        assert (other.cookie, other.cookie_tag) != (SECRETS.cookie, SECRETS.cookie_tag)
        assert other.cookie_tag != SECRETS.cookie_tag
    assert Secrets("the-token", "the-cookie-secret", "new key").cookie == SECRETS.cookie
    assert re.fullmatch(r"[\w-]{43}", SECRETS.cookie)


def test_compared_are_sums_under_a_key_of_this_start() -> None:
    """As nginx's secure_link computes them: MD5 of what secure_link_md5 says, base64url without padding."""
    digest = hashlib.md5(b"0f" * 32 + b"bearer:the-token", usedforsecurity=False).digest()
    expected = urlsafe_b64encode(digest).decode().rstrip("=")
    assert f'"~^bearer:" {expected};' in config_text(TEMPLATE, Settings(), SECRETS)
    assert expected not in config_text(TEMPLATE, Settings(), Secrets("the-token", "the-cookie-secret", "aa" * 32))


def test_nginx_is_found_on_the_path_and_where_debian_puts_it(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "nginx"
    program.write_text("")
    assert find_nginx(str(tmp_path)) != str(program)  # it can't be run
    program.chmod(0o755)
    assert find_nginx(f"/nowhere:{tmp_path}") == str(program)


def test_without_nginx_both_ports_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrypoint.door.find_nginx._USUAL_FOLDERS", ())
    settings = without_gateway_if_nginx_is_missing(Settings(), "/nowhere")
    assert (settings.comfyui_port, settings.comfyui_internal_port, settings.gateway) == (8188, 8188, False)
    assert Settings.from_environ(settings.to_environ()) == settings


def test_with_nginx_nothing_changes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "nginx").touch(mode=0o755)
    assert without_gateway_if_nginx_is_missing(Settings(), str(tmp_path)) == Settings()
