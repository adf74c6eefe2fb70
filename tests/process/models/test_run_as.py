"""Under RUN_AS a terminal is the services' user's: it can neither read tokens nor fetch; the refusal says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.models.bundle_requests import add_requests, remove_requests, requested_bundles
from entrypoint.models.sources.tokens import keep_logins
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SERVICE = 54321


@needs_root
@pytest.mark.parametrize("verb", ["list", "plan", "fetch", "verify"])
def test_the_services_user_is_refused_and_told_what_to_do(
    tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its effective uid only, in this process: the test's Python may be where that user can't go."""
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
    Path(pod.paths.models_state).mkdir(mode=0o700)
    from entrypoint.commands.arguments import build_parser
    from entrypoint.commands.models import main

    for name, text in (pod.settings.to_environ() | pod.paths.to_environ()).items():
        monkeypatch.setenv(name, text)
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != pod.paths.models_state and real(path, mode))
    assert main(build_parser().parse_args(["models", verb])) == 77
    assert "is not yours, you are uid" in capsys.readouterr().out


@needs_root
def test_the_services_user_cannot_read_a_login(tmp_path: Path) -> None:
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
    from dataclasses import replace

    keep_logins(replace(pod.settings, hf_token="s3cret"), pod.paths)
    login = Path(pod.paths.runtime, "secrets/HF_TOKEN")
    assert login.read_text() == "s3cret"
    assert login.stat().st_mode & 0o077 == 0
    assert login.parent.stat().st_mode & 0o077 == 0


def test_requests_are_kept_until_they_are_removed(tmp_path: Path) -> None:
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
    assert requested_bundles(pod.paths) == frozenset()
    add_requests(pod.paths, ["FLUX", "VAE"])
    add_requests(pod.paths, ["FLUX"])
    assert requested_bundles(pod.paths) == {"FLUX", "VAE"}
    remove_requests(pod.paths, ["FLUX", "NEVER", "../FLUX"])
    assert requested_bundles(pod.paths) == {"VAE"}
    with pytest.raises(ValueError, match="no bundle's name"):
        add_requests(pod.paths, ["../../etc"])
    assert requested_bundles(pod.paths) == {"VAE"}
