"""What pip, git and a node's install.py run with."""

from __future__ import annotations

import pytest

from entrypoint.packages.overlay import pip_environ
from entrypoint.settings.settings import secret_variables


def test_no_login_that_a_download_has_taken_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*secret_variables(), "MODELS_MANIFEST", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example")
    found = pip_environ()
    assert "s3cret" not in found.values()
    assert found["PIP_INDEX_URL"] == "https://index.example"
