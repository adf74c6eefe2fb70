"""Addresses of a workflow."""

from __future__ import annotations

import pytest

from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.registry import SOURCES
from entrypoint.workflows.addresses import BUNDLE, file_of
from entrypoint.workflows.needed import Model
from tests.support.workflows.shapes import HUB, SHA256


def test_an_address_of_a_known_site_is_that_sites_file() -> None:
    file = file_of(Model("x.pt", "vae", f"{HUB}/sub/x.pt?download=true", SHA256), SOURCES)
    assert (file.bundle, file.source, file.dest, file.sha256) == (BUNDLE, "huggingface", "vae/x.pt", SHA256)
    assert file.keys == {"repo_id": "o/r", "path": "sub/x.pt"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/passwd", "it must begin with https://"),
        ("ftp://h/x.pt", "it must begin with https://"),
        ("https://user:pw@h/x.pt", "take the login out"),
        ("https://[::1/x.pt", "malformed"),
        ("https://h:99999/x.pt", "malformed"),
        ("https://h/x\x1b.pt", "characters that no address has"),
        ("https://huggingface.co/o/r", "a repository, not a file"),
        ("https://huggingface.co/o/r/resolve/main/../../x.pt", "must be a path inside the repository"),
        ("https://h/models.zip", "to an archive"),
        ("https://h/run.sh", "to an archive or a program"),
        ("https://drive.google.com/file/d/1/x.pt", "has no address of the file itself"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(url: str, words: str) -> None:
    with pytest.raises(NotAnAddress, match=words):
        file_of(Model("x.pt", "vae", url), SOURCES)


def test_a_file_without_a_folder_is_not_fetched() -> None:
    with pytest.raises(NotAnAddress, match="does not say which model folder"):
        file_of(Model("x.pt", "", f"{HUB}/x.pt"), SOURCES)
