"""Tokens: private files, removed when unset; each goes to its exact host over https, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.models.sources.registry import configured
from entrypoint.models.sources.tokens import Tokens, keep_logins, logins
from entrypoint.models.transport.address import without_query
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

SECRETS = {"HF_TOKEN": "hf", "CIVITAI_TOKEN": "civ", "GITHUB_TOKEN": "gh"}


def test_tokens_are_private_files_and_are_removed_when_unset(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("url", "first", "token"),
    [
        ("https://huggingface.co/a", "https://huggingface.co/a", "hf"),
        ("https://huggingface.co:443/a", "https://huggingface.co/a", "hf"),
        ("https://HUGGINGFACE.co/renamed", "https://huggingface.co/a", "hf"),
        ("http://huggingface.co/a", "http://huggingface.co/a", None),
        ("https://huggingface.co:444/a", "https://huggingface.co:444/a", None),
        ("https://cdn.huggingface.co/a", "https://cdn.huggingface.co/a", None),
        ("https://huggingface.co.evil.example/a", "https://huggingface.co.evil.example/a", None),
        ("https://evil.example/huggingface.co", "https://evil.example/huggingface.co", None),
        ("https://huggingface.co/a", "https://evil.example/a", None),
        ("https://civitai.com/a", "https://civitai.com/a", "civ"),
        ("https://civitai.com/a", "https://huggingface.co/a", None),
        ("https://api.github.com/a", "https://api.github.com/a", "gh"),
        ("https://objects.githubusercontent.com/a", "https://github.com/a", None),
    ],
)
def test_where_a_token_goes(url: str, first: str, token: str | None) -> None:
    expected = {"Authorization": f"Bearer {token}"} if token else {}
    assert Tokens.of(SECRETS).headers(url, first) == expected


def test_a_hub_of_ones_own_gets_the_token_over_https_only() -> None:
    assert Tokens.of(SECRETS, configured(Settings(hf_endpoint="https://mirror/x"))).headers(
        "https://mirror/y", "https://mirror/y"
    )
    for hub in ("https://mirror/x", "http://mirror/x"):
        tokens = Tokens.of(SECRETS, configured(Settings(hf_endpoint=hub)))
        assert not tokens.headers("https://huggingface.co/y", "https://huggingface.co/y")
        assert not tokens.headers("http://mirror/y", "http://mirror/y")


def test_a_token_is_in_no_repr_and_a_signature_in_no_log() -> None:
    assert "hf" not in repr(Tokens.of(SECRETS))
    assert without_query("https://u:p@a.example:8/b?X-Sig=s#f") == "https://a.example:8/b"
