"""nginx accepts every configuration the door can write."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from entrypoint.door.__main__ import HERE, TEMPLATES
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.settings.settings import Settings

TEXTS = {name: Path(HERE, name).read_text() for name in TEMPLATES}
LONG = "https://" + ".".join(["x" * 60] * 4) + ":12345"
VARIANTS = [
    Settings(
        pod_id=pod,
        comfyui_auth=auth,
        jupyter_tiles=tiles,
        allowed_origins=origins,
        jupyter_port=28189,
        comfyui_port=28188,
        status_port=28190,
    )
    for pod, auth, tiles, origins in itertools.product(
        ("", "abc123"), ("token", "none"), ("link", "proxy"), ((), ("https://my.example", "http://[::1]:81", LONG))
    )
]


@pytest.mark.parametrize(
    "settings", VARIANTS, ids=lambda each: f"{each.pod_id}-{each.comfyui_auth}-{each.jupyter_tiles}"
)
@pytest.mark.parametrize("token", ["x", "a\"b'c$d;e{f}g\\h#i"], ids=["plain", "odd"])
def test_nginx_accepts_every_configuration_without_a_warning(settings: Settings, token: str, tmp_path: Path) -> None:
    folder = tmp_path / "an odd $folder; \"name'"
    (folder / "gateway").mkdir(parents=True)
    secrets = Secrets(token, token, "0" * 64)
    text = config_text(TEXTS, settings, secrets, hostname="Pod_1.example", connections=512)
    (folder / "gateway/nginx.conf").write_text(text)
    checked = subprocess.run(
        [find_nginx("/usr/sbin"), "-t", "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"],
        cwd=folder, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert not re.search(r"\[(warn|error|alert|emerg)\]", checked.stderr.replace('the "user" directive', ""))
