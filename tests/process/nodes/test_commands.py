"""`podkeeper nodes`, with real git and real pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.nodes import commands
from entrypoint.nodes.blame import LeftOut
from entrypoint.nodes.inventory import folder_of
from entrypoint.nodes.left_out import read_left_out, write_left_out
from entrypoint.packages.distributions import added, key_of
from entrypoint.packages.overlay import Overlay
from entrypoint.packages.restore import locked, restore
from entrypoint.packages.store import Store
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.package_environment import make_environment, write_wheel


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("image") / "env")


@pytest.fixture
def paths(tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    facts = Facts(mounts=frozenset(), uid=os.geteuid(), temporary="/tmp", python=sys.executable)
    found = locate(Settings(home=str(tmp_path / "pod")), facts)
    overlay = Overlay(f"{found.packages}/env", str(image))
    with locked(overlay):
        restore(overlay, Store(str(tmp_path / "store"), key_of(overlay.image), "pod"), {})
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "lib", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "MyNode"
    folder.mkdir()
    (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
    (folder / "requirements.txt").write_text("lib\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "first")
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout.strip()


def site_of(paths: Paths) -> str:
    return Overlay(f"{paths.packages}/env", "").site


def test_a_node_is_installed_with_what_it_asks_for(
    paths: Paths, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert commands.install(paths, f"{repository}@{commit}") == 0
    assert (Path(paths.data) / "custom_nodes/MyNode/__init__.py").is_file()
    assert "lib" in added(site_of(paths))
    assert "podkeeper restart comfyui" in capsys.readouterr().out
    assert commands.list_nodes(paths) == 0
    assert commit[:10] in capsys.readouterr().out
    assert commands.install(paths, str(repository)) == 1  # it is there already
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ("nowhere-to-be-found", "No matching distribution"),
        ("torch==1.0", "cannot install"),
        ("= nonsense =", "Invalid"),
        ("-r nowhere.txt", "nowhere.txt"),
        ("-e /nonexistent", "/nonexistent"),
        ("lib @ git+http://127.0.0.1:9/x", "unable to access"),
    ],
)
def test_a_failure_leaves_the_pod_as_it_was(
    paths: Paths, repository: Path, requirements: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "requirements.txt").write_text(requirements)
    git(repository, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-am", "broken")
    assert commands.install(paths, str(repository)) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert os.listdir(folder_of(paths)) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("not an address", "give the address of a git repository"),
        ("ssh://git@example.com/a/b", "give the address of a git repository"),
        ("https://user:pw@example.com/a/b", "without a login"),
        ("--upload-pack=evil", "give the address of a git repository"),
        ("/nonexistent/Repository", "cannot clone"),
        ("https://example.com/", "does not end with the name"),
    ],
)
def test_a_wrong_address_is_one_line(
    paths: Paths, address: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.install(paths, address) == 1
    said = capsys.readouterr().err
    assert words in said
    assert "pw" not in said
    assert said.count("\n") == 1


def test_repair_installs_what_a_node_asks_for(paths: Paths, repository: Path) -> None:
    folder = Path(folder_of(paths))
    folder.mkdir(parents=True)
    git(folder, "clone", "--quiet", str(repository), "Mine")
    assert commands.repair(paths, ["Mine"]) == 0
    assert "lib" in added(site_of(paths))
    assert commands.repair(paths, ["Mine", "Gone"]) == 1


def test_a_node_that_is_left_out_is_tried_again(paths: Paths) -> None:
    write_left_out(paths, {"Bad": LeftOut("why", "1"), "Other": LeftOut("why", "2")})
    assert commands.try_again(paths, ["Bad"]) == 0
    assert set(read_left_out(paths)) == {"Other"}
    assert commands.try_again(paths, ["Bad"]) == 1


def test_remove_keeps_the_files(paths: Paths) -> None:
    folder = Path(folder_of(paths))
    for _ in range(2):
        (folder / "Mine").mkdir(parents=True)
        (folder / "Mine/mine.txt").write_text("mine")
        assert commands.remove(paths, "Mine") == 0
    assert len(list(folder.glob("Mine*.disabled/mine.txt"))) == 2
    assert commands.remove(paths, "Mine") == 1
