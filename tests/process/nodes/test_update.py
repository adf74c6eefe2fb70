"""`podkeeper nodes outdated` and `update`, with real git and real pip."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoint.nodes import commands, update
from entrypoint.nodes.inventory import folder_of, inventory, read_newest
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, git, head


@pytest.fixture
def node(paths: Paths, repository: Path) -> Path:
    """The node, installed."""
    assert commands.install(paths, str(repository)) == 0
    return Path(folder_of(paths)) / repository.name


def test_a_node_with_a_newer_commit_is_named_and_updated(
    paths: Paths, repository: Path, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update.outdated(paths) == 0
    assert "every node is the newest" in capsys.readouterr().out
    newer = commit(repository, {"__init__.py": "NODE_CLASS_MAPPINGS = {1: 1}"})
    assert update.outdated(paths) == 0
    assert read_newest(paths) == {"MyNode": newer}
    assert inventory(paths)[0].newest == newer
    (node / "mine.txt").write_text("mine")
    assert update.update(paths, ["MyNode"]) == 0
    assert head(node) == newer
    assert inventory(paths)[0].newest == ""
    assert (node / "mine.txt").read_text() == "mine"
    assert update.update(paths, []) == 0
    assert "is the newest already" in capsys.readouterr().out


def test_an_update_that_was_killed_before_its_packages_were_installed_is_done_again(
    paths: Paths, repository: Path, node: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = commit(repository, {"requirements.txt": "nowhere-to-be-found"})
    assert update.outdated(paths) == 0

    def killed(paths: Paths, path: str) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(update, "install_needs", killed)
        with pytest.raises(KeyboardInterrupt):
            update.update(paths, ["MyNode"])
    assert head(node) == newer
    assert update.update(paths, ["MyNode"]) == 1
    assert "No matching distribution" in capsys.readouterr().err
    commit(repository, {"requirements.txt": "lib"})
    assert update.update(paths, ["MyNode"]) == 0
    assert "its packages are installed" in capsys.readouterr().out


def test_an_update_by_somebody_else_is_no_update_any_more(paths: Paths, repository: Path, node: Path) -> None:
    commit(repository, {})
    assert update.outdated(paths) == 0
    assert inventory(paths)[0].newest
    git(node, "pull", "--quiet")
    assert inventory(paths)[0].newest == ""


def test_a_node_at_a_pinned_commit_moves_to_the_default_branch(paths: Paths, repository: Path) -> None:
    first = head(repository)
    newer = commit(repository, {})
    assert commands.install(paths, f"{repository}@{first}") == 0
    node = Path(folder_of(paths)) / "MyNode"
    assert head(node) == first
    assert update.update(paths, ["MyNode"]) == 0
    assert head(node) == newer


def test_changes_of_the_users_refuse_an_update(
    paths: Paths, repository: Path, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = head(node)
    commit(repository, {"__init__.py": "theirs"})
    (node / "__init__.py").write_text("mine")
    assert update.update(paths, ["MyNode"]) == 1
    assert "changes of your own" in capsys.readouterr().err
    assert head(node) == before
    assert (node / "__init__.py").read_text() == "mine"


def test_an_update_whose_packages_cannot_be_had_is_taken_back(
    paths: Paths, repository: Path, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = head(node)
    newer = commit(repository, {"requirements.txt": "nowhere-to-be-found"})
    assert update.outdated(paths) == 0
    assert update.update(paths, ["MyNode"]) == 1
    assert read_newest(paths) == {"MyNode": newer}  # the page offers it again
    assert "No matching distribution" in capsys.readouterr().err
    assert head(node) == before
    assert (node / "requirements.txt").read_text() == "lib"
    assert git(node, "status", "--porcelain") == ""


def test_a_source_that_is_gone_is_named(
    paths: Paths, repository: Path, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.rename(repository.with_name("moved"))
    assert update.outdated(paths) == 1
    assert update.update(paths, ["MyNode", "Gone"]) == 1
    said = capsys.readouterr().err
    assert said.count("cannot ask") == 2
    assert "there is no custom node Gone" in said
    assert node.is_dir()
