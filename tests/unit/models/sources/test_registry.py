"""A token goes to its exact host over https, and nowhere else."""

from __future__ import annotations

import pytest

from entrypoint.models.sources.registry import Tokens, shown

SECRETS = {"HF_TOKEN": "hf", "CIVITAI_TOKEN": "civ", "GITHUB_TOKEN": "gh"}


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
    assert Tokens.of(SECRETS, "https://mirror/x").headers("https://mirror/y", "https://mirror/y")
    for hub in ("https://mirror/x", "http://mirror/x"):
        tokens = Tokens.of(SECRETS, hub)
        assert not tokens.headers("https://huggingface.co/y", "https://huggingface.co/y")
        assert not tokens.headers("http://mirror/y", "http://mirror/y")


def test_a_token_is_in_no_repr_and_a_signature_in_no_log() -> None:
    assert "hf" not in repr(Tokens.of(SECRETS))
    assert shown("https://u:p@a.example:8/b?X-Sig=s#f") == "https://a.example:8/b"
