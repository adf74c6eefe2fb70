"""nginx accepts every configuration the gateway can write."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from entrypoint.door.__main__ import HERE
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.settings.settings import Settings

TEMPLATE = Path(HERE, "nginx.conf").read_text()
LONG = "https://" + ".".join(["x" * 60] * 4) + ":12345"
VARIANTS = [
    Settings(pod_id=pod, comfyui_auth=auth, allowed_origins=origins, comfyui_port=28188)
    for pod, auth, origins in itertools.product(
        ("", "abc123"), ("token", "none"), ((), ("https://my.example", "http://[::1]:81", LONG))
    )
]


@pytest.mark.parametrize("settings", VARIANTS, ids=lambda each: f"{each.pod_id}-{each.comfyui_auth}")
@pytest.mark.parametrize("token", ["x", "a\"b'c$d;e{f}g\\h#i"], ids=["plain", "odd"])
def test_nginx_accepts_every_configuration_without_a_warning(settings: Settings, token: str, tmp_path: Path) -> None:
    folder = tmp_path / "an odd $folder; \"name'"
    (folder / "gateway").mkdir(parents=True)
    (folder / "gateway/nginx.conf").write_text(config_text(TEMPLATE, settings, Secrets(token, token, "0" * 64)))
    checked = subprocess.run(
        [find_nginx("/usr/sbin"), "-t", "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"],
        cwd=folder, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert not re.search(r"\[(warn|error|alert|emerg)\]", checked.stderr.replace('the "user" directive', ""))
