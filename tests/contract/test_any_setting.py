"""Whatever the variables hold, a start gets settings with which the whole pod comes up, behind a login."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from entrypoint.boot.exec_supervisord import SUPERVISORD_CONF
from entrypoint.boot.plan import child_environ, make_plan
from entrypoint.boot.read_settings import read_settings, report_ignored
from entrypoint.conditions.condition import CannotDo
from entrypoint.door.__main__ import HERE, TEMPLATES
from entrypoint.door.find_nginx import find_nginx
from entrypoint.door.nginx_config import Secrets, config_text
from entrypoint.jupyter import lab_config
from entrypoint.models.catalogue.builtin import bundle_flags
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import BadSettings, Settings, secret_variables
from entrypoint.system.privileges import service_identity_of

TEXTS = {name: Path(HERE, name).read_text() for name in TEMPLATES}
#: PODKEEPER_STRICT asks for the refusal, PODKEEPER_HOME has no default.
VARIABLES = [
    each.metadata["variable"]
    for each in fields(Settings)
    if each.metadata["variable"] not in ("PODKEEPER_HOME", "PODKEEPER_STRICT")
]
SECRET_FILES = [f"{each.metadata['variable']}_FILE" for each in fields(Settings) if each.metadata["secret"]]
NAMES = st.sampled_from([*VARIABLES, *VARIABLES, *SECRET_FILES, *bundle_flags()])
#: The examples are the same in every run (derandomize); for others, raise max_examples.
#: What an environment can hold: anything without NUL, and bytes that are no UTF-8 as os.environ has them.
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.characters(
    min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]
)
LIKELY = (
    "8188", "8189", "18188", "0", "-1", "tcp://10.0.0.1:80", "none", "nnoe", "auto", "true", "/", "/proc", "/dev/null",
    "/etc", "1000", "0:0", "777", "22-6", "--cpu", "--port 9", "'", '"', "%(ENV_HOME)s", "%s", "$HOME", "@NAME@", "a;b",
    "https://a.example", "https://[::1]:81,http://x", "https://a.example:99999", "x" * 5000, "9" * 5000, "\ufefftrue",
    "abc", "A-1", "../x", "/a b/c", "\n", "[program:x]", "{{ RUNPOD_SECRET_x }}",
)  # fmt: skip
ENVIRONS = st.dictionaries(NAMES, st.text(CHARACTERS, max_size=30) | st.sampled_from(LIKELY), max_size=14)


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="podkeeper-any-") as folder:
        yield folder


@given(environ=ENVIRONS)
@profile(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_in_any_variable_gives_a_pod_behind_a_login(environ: dict[str, str], home: str) -> None:
    read = read_settings(environ)
    settings = read.settings
    facts = Facts(mounts=frozenset({"/workspace"}), uid=0, temporary="/tmp", python="/opt/env/bin/python")
    paths = locate(settings, facts)
    assert make_plan(settings, facts, paths, service_identity_of(settings), [], read)
    for service, variable in ((settings.jupyter_auth, "JUPYTER_AUTH"), (settings.comfyui_auth, "COMFYUI_AUTH")):
        assert service == ("none" if environ.get(variable, "").strip("\ufeff \t\r\n").lower() == "none" else "token")

    local = locate(Settings(home=home), facts)
    for folder in (local.log, local.runtime):
        os.makedirs(folder, exist_ok=True)
    handed = child_environ({"PATH": "/usr/bin"} | environ, settings, local)
    children = Settings.from_environ(handed).to_environ() | {"HOME": settings.user_home}
    assert children == settings.to_environ()
    assert not {name for name in secret_variables() if name in handed}
    supervisord_accepts(handed)
    secrets = Secrets(settings.token or "made", "cookie secret", "0" * 64)
    nginx_accepts(config_text(TEXTS, settings, secrets, hostname="pod", connections=512), local.runtime)
    compile(lab_config.config_text(settings, paths), "jupyter_lab_config.py", "exec")


def supervisord_accepts(environ: dict[str, str]) -> None:
    before = dict(os.environ)
    os.environ.update(environ)  # execve takes the same texts: bytes without NUL
    try:
        ServerOptions().realize(["-c", SUPERVISORD_CONF, "-n"])
    finally:
        os.environ.clear()
        os.environ.update(before)


def nginx_accepts(text: str, folder: str) -> None:
    Path(folder, "gateway").mkdir(exist_ok=True)
    Path(folder, "gateway/nginx.conf").write_text(text)
    command = [find_nginx("/usr/sbin"), "-t", "-q", "-p", "./", "-e", "stderr", "-c", "gateway/nginx.conf"]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)
    assert "syntax is ok" in checked.stderr or checked.returncode == 0 or "bind()" in checked.stderr, checked.stderr


@given(environ=ENVIRONS)
@profile(max_examples=300, deadline=None, derandomize=True)
def test_every_variable_that_is_not_used_as_given_is_named_without_its_secret(environ: dict[str, str]) -> None:
    environ = {name: "s3cret" + text if name in secret_variables() else text for name, text in environ.items()}
    read = read_settings(environ)
    try:
        report_ignored(read)
        said = ""
    except CannotDo as error:
        said = str(error.condition)
    said.encode()  # prints anywhere
    assert "s3cret" not in said
    assert said.isprintable() or not said
    for name, text in environ.items():
        if refused(name, text) and not used(name, text, read.settings):
            assert name in said


def used(name: str, text: str, settings: Settings) -> bool:
    """Whether the settings have the value all the same: two ports can clash with each other's defaults alone."""
    for each in fields(Settings):
        if each.metadata["variable"] == name:
            with contextlib.suppress(ValueError):
                return bool(getattr(settings, each.name) == each.metadata["parse"](text.strip("\ufeff \t\r\n")))
    return False


def refused(name: str, text: str) -> bool:
    """Whether the strict reader refuses the value, alone."""
    try:
        if name in bundle_flags():
            return text.strip().lower() not in ("", "true", "false", "1", "0", "yes", "no", "on", "off")
        Settings.from_environ({name: text})
    except BadSettings:
        return True
    return False
