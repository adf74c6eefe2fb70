"""The query of MODELS_MANIFEST: kept in a 0600 file like a token, in no environment that is handed on."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from entrypoint.models.sources.tokens import keep_logins, manifest_address, take_logins
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

ADDRESS = "https://h/m.toml?X-Amz-Credential=A%2Fs3&X-Amz-Signature=abc"


def test_the_downloads_take_the_address_from_a_file_of_the_pods_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_environ({"MODELS_MANIFEST": ADDRESS, "PODKEEPER_HOME": str(tmp_path)})
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/bin/python")
    paths = replace(locate(settings, facts), runtime=str(tmp_path / "run"))
    keep_logins(settings, paths)
    kept = tmp_path / "run/secrets/MODELS_MANIFEST"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (ADDRESS, 0o600)
    child = Settings.from_environ(settings.to_environ())
    assert child.models_manifest == "https://h/m.toml"
    environ: dict[str, str] = {}
    monkeypatch.setattr("os.environ", environ)
    take_logins(paths)
    assert manifest_address(child, environ) == ADDRESS
    keep_logins(child, paths)
    assert not kept.exists()
