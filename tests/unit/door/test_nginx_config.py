"""The gateway's nginx configuration."""

import hashlib
import pathlib
import re
from base64 import urlsafe_b64encode

import pytest

from entrypoint.door import __main__ as launcher
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.door.origins import own_origins
from entrypoint.settings.settings import Settings

TEMPLATES = {name: (pathlib.Path(launcher.HERE) / name).read_text() for name in launcher.TEMPLATES}
SECRETS = Secrets("the-token", "the-cookie-secret", "0f" * 32)


def text_of(settings: Settings, secrets: Secrets = SECRETS, without: tuple[str, ...] = ()) -> str:
    return config_text(TEMPLATES, settings, secrets, hostname="pod-1", connections=512, without=without)


def test_every_placeholder_is_filled_in_and_no_secret_is_in_the_text() -> None:
    text = text_of(Settings(pod_id="abc", jupyter_tiles="proxy"))
    assert re.findall(r"@[A-Z_]+@", text) == []
    assert "the-token" not in text
    assert "the-cookie-secret" not in text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), ["listen 0.0.0.0:8188 ", "server 127.0.0.1:18188;", "8188 token;"]),
        (Settings(comfyui_port=1, comfyui_internal_port=2), ["listen 0.0.0.0:1 ", "server 127.0.0.1:2;"]),
        (Settings(comfyui_auth="none"), ["8188 none;", "8189 token;", "8190 token;"]),
        (Settings(pod_id="abc"), ['"8188 https://abc-8188.proxy.runpod.net" 1;', '"8188 http://localhost:8188" 1;']),
        (
            Settings(allowed_origins=("https://my.example",)),
            ['"8190 https://my.example" 1;', r'"~*^my\.example(:\d+)?$" 1;'],
        ),
    ],
)
def test_settings_become_directives(settings: Settings, words: list[str]) -> None:
    text = text_of(settings)
    for word in words:
        assert word in text


def test_an_origin_listed_twice_is_written_once() -> None:
    """nginx refuses a map with the same word twice."""
    settings = Settings(pod_id="abc", allowed_origins=("https://abc-8188.proxy.runpod.net",))
    assert text_of(settings).count('"8188 https://abc-8188.proxy.runpod.net" 1;') == 1
    assert len(own_origins(settings, settings.comfyui_port)) == 5


def test_the_cookie_changes_with_the_token_and_with_the_pods_secret() -> None:
    others = [Secrets("other", "the-cookie-secret", "0f"), Secrets("the-token", "other", "0f")]
    for other in others:
        assert other.cookie != SECRETS.cookie
        assert other.cookie_name != SECRETS.cookie_name
    assert Secrets("the-token", "the-cookie-secret", "new key").cookie == SECRETS.cookie
    assert re.fullmatch(r"[\w-]{43}", SECRETS.cookie)


def test_tokens_are_compared_as_digests_under_a_key_of_this_start() -> None:
    """As nginx's secure_link computes them: MD5 of what secure_link_md5 says, base64url without padding."""
    digest = hashlib.md5(b"0f" * 32 + b"bearer:the-token", usedforsecurity=False).digest()
    expected = urlsafe_b64encode(digest).decode().rstrip("=")
    assert f'"~^bearer:" {expected};' in text_of(Settings())
    assert expected not in text_of(Settings(), Secrets("the-token", "the-cookie-secret", "aa" * 32))


def test_a_service_whose_port_is_taken_is_left_out() -> None:
    text = text_of(Settings(), without=("comfyui",))
    assert "listen 0.0.0.0:8189 " in text
    assert "8188" not in text
