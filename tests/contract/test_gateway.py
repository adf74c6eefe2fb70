"""nginx accepts every configuration the gateway can write; what docs/security.md claims has a test."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from entrypoint.door.__main__ import HERE
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.settings.settings import Settings
from tests.support.places import ROOT

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
def test_nginx_accepts_it_without_a_warning(settings: Settings, token: str, tmp_path: Path) -> None:
    folder = tmp_path / "an odd $folder; \"name'"
    (folder / "gateway").mkdir(parents=True)
    (folder / "gateway/nginx.conf").write_text(config_text(TEMPLATE, settings, Secrets(token, token, "0" * 64)))
    checked = subprocess.run(
        [find_nginx("/usr/sbin"), "-t", "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"],
        cwd=folder, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert not re.search(r"\[(warn|error|alert|emerg)\]", checked.stderr.replace('the "user" directive', ""))


def test_every_test_that_the_threat_model_names_exists() -> None:
    text = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, test in named:
        assert (ROOT / path).exists(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


def test_every_claim_of_the_threat_model_names_a_test() -> None:
    rows = re.findall(r"(?m)^\|(.+)\|$", (ROOT / "docs/security.md").read_text())
    claims = [row for row in rows if not re.match(r"[\s|-]*$|\s*(Threat|Who)\s*\|", row)]
    assert len(claims) > 20
    assert [row for row in claims if "`tests/" not in row and "the same" not in row] == []
