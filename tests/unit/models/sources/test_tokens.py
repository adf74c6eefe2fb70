"""The logins for downloads: private files, forgotten when unset."""

from __future__ import annotations

import os
from pathlib import Path

from entrypoint.models.sources.tokens import keep_logins, logins
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings


def test_logins_are_private_files_and_go_when_they_are_unset(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), hf_token="s3cret")
    paths = locate(settings, Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python="/p"))
    Path(paths.runtime).mkdir()
    keep_logins(settings, paths)
    kept = Path(paths.runtime, "secrets/HF_TOKEN")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert logins(paths, {}) == {"HF_TOKEN": "s3cret"}
    assert logins(paths, {"HF_TOKEN": "mine"}) == {"HF_TOKEN": "mine"}
    keep_logins(Settings(home=str(tmp_path)), paths)
    assert logins(paths, {}) == {}
