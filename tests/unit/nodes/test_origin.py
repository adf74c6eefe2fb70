"""Where a node came from, read without git."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoint.nodes.origin import Origin, origin_of, without_login
from tests.support.node_repositories import git, head, new_repository


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    new_repository(tmp_path / "origin", {"pyproject.toml": '[project]\nname = "node"\nversion = "1.2"\n'})
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin"), "clone")
    return tmp_path / "clone"


def test_a_clone_has_its_repository_commit_and_version(clone: Path, tmp_path: Path) -> None:
    assert origin_of(str(clone)) == Origin(str(tmp_path / "origin"), head(clone), "", "1.2")


def test_a_branch_in_packed_refs_has_a_commit(clone: Path) -> None:
    git(clone, "pack-refs", "--all")
    assert list((clone / ".git/refs/heads").iterdir()) == []
    assert origin_of(str(clone)).commit == head(clone)


def test_a_pinned_commit(clone: Path) -> None:
    git(clone, "checkout", "--quiet", "--detach")
    assert origin_of(str(clone)).commit == head(clone)


def test_a_worktrees_git_is_a_file(clone: Path, tmp_path: Path) -> None:
    git(clone, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    assert origin_of(str(tmp_path / "tree")).commit == head(clone)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:token@example.org/a/b", "https://example.org/a/b"),
        ("https://example.org:8443/a/b", "https://example.org:8443/a/b"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("/srv/git/b", "/srv/git/b"),
    ],
)
def test_a_login_is_never_shown(clone: Path, address: str, shown: str) -> None:
    git(clone, "remote", "set-url", "origin", address)
    assert origin_of(str(clone)).repository == shown == without_login(address)


def test_what_the_registry_has_published_is_told_by_its_tracking_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "node"\nversion = "1.2"\n')
    assert origin_of(str(tmp_path)) == Origin("", "", "", "1.2")
    (tmp_path / ".tracking").write_text("pyproject.toml")
    assert origin_of(str(tmp_path)) == Origin("", "", "node", "1.2")


@pytest.mark.parametrize("text", ["", "no toml [", "project = 3", "[project]\nname = 3", "\xff"])
def test_a_broken_file_is_no_origin(tmp_path: Path, text: str) -> None:
    for name in ("pyproject.toml", ".tracking"):
        (tmp_path / name).write_text(text)
    (tmp_path / ".git").mkdir()
    for name in ("HEAD", "config", "packed-refs"):
        (tmp_path / ".git" / name).write_text(text)
    assert origin_of(str(tmp_path))[:2] == ("", "")
    assert origin_of(str(tmp_path / "file.py")) == Origin()
