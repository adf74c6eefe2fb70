"""nodes.lock: written after a good start, restored into an empty volume."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from entrypoint.nodes import commands, keep_lock
from entrypoint.nodes.import_log import ImportReport
from entrypoint.nodes.inventory import folder_of, write_report
from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, head


@pytest.fixture
def lock(paths: Paths, repository: Path, tmp_path: Path) -> Path:
    """A lock of the node at its first commit, which is not the newest; the volume is empty again."""
    first = head(repository)
    assert commands.install(paths, f"{repository}@{first}") == 0
    Path(paths.reports).mkdir(parents=True, exist_ok=True)
    write_report(paths, ImportReport({"MyNode": 0.1}, {}))
    keep_lock.keep_lock(paths)
    commit(repository, {})
    shutil.rmtree(folder_of(paths))
    return Path(shutil.copy(keep_lock.lock_file(paths), tmp_path / "nodes.lock"))


def node(paths: Paths) -> Path:
    return Path(folder_of(paths)) / "MyNode"


def test_a_lock_brings_back_the_same_commit_and_packages(paths: Paths, lock: Path, repository: Path) -> None:
    assert keep_lock.restore(paths, str(lock)) == 0
    assert head(node(paths)) != head(repository)
    assert head(node(paths)) in lock.read_text()
    assert "lib==1.0" in lock.read_text()
    assert added(Overlay(f"{paths.packages}/env", "").site)["lib"].version == "1.0"
    assert keep_lock.restore(paths, str(lock)) == 0  # nothing is missing


def test_a_lock_that_the_user_has_brought_is_never_replaced_by_itself(paths: Paths, lock: Path) -> None:
    yours = Path(keep_lock.lock_file(paths))
    yours.write_text(lock.read_text() + "# from my other pod\n")
    keep_lock.keep_lock(paths)
    assert "from my other pod" in yours.read_text()
    assert keep_lock.restore(paths) == 0
    assert node(paths).is_dir()
    keep_lock.keep_lock(paths)  # restored: from now on it is podkeeper's
    assert "from my other pod" not in yours.read_text()
    yours.write_text("mine")
    assert keep_lock.lock(paths) == 0
    assert "[[nodes]]" in yours.read_text()


def test_versions_that_cannot_be_had_are_not_insisted_on(paths: Paths, lock: Path) -> None:
    lock.write_text(lock.read_text().replace("lib==1.0", "lib==0.9"))
    assert keep_lock.restore(paths, str(lock)) == 0
    assert node(paths).is_dir()


def test_one_node_that_cannot_be_had_does_not_stop_the_others(
    paths: Paths, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = '\n[[nodes]]\nname = "Gone"\nrepository = "/nonexistent"\n[[nodes]]\nname = "files.py"\n'
    head, table, rest = lock.read_text().partition("[[nodes]]")
    lock.write_text(head + more + "\n" + table + rest)
    assert keep_lock.restore(paths, str(lock)) == 1
    said = capsys.readouterr()
    assert "1 of 3 nodes installed" in said.out
    assert "cannot clone /nonexistent" in said.err
    assert "files.py is neither" in said.err
    assert node(paths).is_dir()


def test_a_snapshot_of_manager_is_restored(paths: Paths, lock: Path, repository: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot.json"
    pips = {"torch==1.0": "", "lib==1.0": ""}  # torch is the image's: not theirs to say
    clones = {str(repository): {"hash": head(repository), "disabled": False}}
    snapshot.write_text(json.dumps({"git_custom_nodes": clones, "cnr_custom_nodes": {}, "pips": pips}))
    assert keep_lock.restore(paths, str(snapshot)) == 0
    assert head(node(paths)) == head(repository)


@pytest.mark.parametrize("text", [None, "no lock", b"\xff\xfe"])
def test_a_file_that_is_no_lock_is_one_line(
    paths: Paths, tmp_path: Path, text: str | bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "nodes.lock").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert keep_lock.restore(paths, str(tmp_path / "nodes.lock")) == 1
    assert capsys.readouterr().err.count("\n") == 1
