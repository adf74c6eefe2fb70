"""`podkeeper export`: what is written is what another pod, and a plain ComfyUI, restore."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from entrypoint.commands.arguments import build_parser
from entrypoint.commands.export import main
from entrypoint.nodes import commands, keep_lock
from entrypoint.nodes.export import export, package
from entrypoint.nodes.export_files import ComfyUI
from entrypoint.nodes.import_log import ImportReport
from entrypoint.nodes.inventory import folder_of, write_report
from entrypoint.nodes.lock import NodesLock, text_of
from entrypoint.packages.distributions import Distribution, added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.settings import Settings
from tests.support.file_systems import folder_for_others, needs_root
from tests.support.killed import killed_before
from tests.support.node_repositories import commit, git, head, new_repository

SERVICE = 54321
FILES = {"requirements.txt", "nodes.lock", "snapshot.json", "README.txt"}
COMFYUI = ComfyUI("0.29.0", "a8c44f9b2a0678ac4082e3529a3f43db7472acfe")


@pytest.fixture
def exported(paths: Paths, repository: Path) -> Path:
    """An export of a node at a commit that is not its newest."""
    assert commands.install(paths, f"{repository}@{head(repository)}") == 0
    Path(paths.reports).mkdir(parents=True, exist_ok=True)
    write_report(paths, ImportReport({"MyNode": 0.1}, {}))
    assert export(paths, COMFYUI) == 0
    commit(repository, {})
    return Path(paths.data) / "export"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("name", ["nodes.lock", "snapshot.json"])
def test_another_pod_gets_the_same_nodes_and_packages(
    paths: Paths, exported: Path, other_pod: Paths, repository: Path, name: str
) -> None:
    assert names(exported) == FILES
    assert not os.path.exists(other_pod.data)
    assert keep_lock.restore(other_pod, str(exported / name)) == 0
    before, after = Path(folder_of(paths)) / "MyNode", Path(folder_of(other_pod)) / "MyNode"
    assert head(after) == head(before) != head(repository)
    assert sorted(os.listdir(folder_of(other_pod))) == sorted(os.listdir(folder_of(paths)))
    assert (after / "__init__.py").read_bytes() == (before / "__init__.py").read_bytes()
    site = Overlay(f"{other_pod.packages}/env", "").site
    assert {each.name: each.version for each in added(site).values()} == {"lib": "1.0"}


def test_pip_installs_the_requirements(exported: Path, other_pod: Paths) -> None:
    overlay = Overlay(f"{other_pod.packages}/env", "")
    command = [overlay.python, "-m", "pip", "install", "--quiet", "-r", str(exported / "requirements.txt")]
    subprocess.run(command, check=True, timeout=60)
    assert added(overlay.site)["lib"].version == "1.0"


def test_the_packages_are_those_above_the_images(exported: Path) -> None:
    lines = [line for line in (exported / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["lib==1.0"]
    assert json.loads((exported / "snapshot.json").read_text())["pips"] == {"lib==1.0": ""}
    assert "ComfyUI 0.29.0 (tag v0.29.0, commit a8c44f9b" in (exported / "README.txt").read_text()


def test_nodes_that_comfyui_cannot_load_or_that_are_off_are_not_restored(
    paths: Paths, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Off", "Broken", "New"):
        new_repository(tmp_path / name, {"__init__.py": ""})
        assert commands.install(paths, str(tmp_path / name)) == 0
    assert commands.remove(paths, "Off") == 0
    (Path(folder_of(paths)) / "mine.py").write_text("")
    Path(paths.reports).mkdir(parents=True, exist_ok=True)
    write_report(paths, ImportReport({}, {"Broken": "No module named 'x'"}))
    assert export(paths, COMFYUI, str(tmp_path / "out")) == 0
    assert "not exported: Broken: No module named 'x'" in capsys.readouterr().out
    snapshot = json.loads((tmp_path / "out/snapshot.json").read_text())
    assert {Path(address).name: each["disabled"] for address, each in snapshot["git_custom_nodes"].items()} == {
        "Off": True,
        "New": False,
    }
    assert snapshot["file_custom_nodes"] == [{"filename": "mine.py", "disabled": False}]
    assert "no source: mine.py" in (tmp_path / "out/README.txt").read_text()


def test_without_packages_nodes_or_comfyui_there_is_an_export(paths: Paths, tmp_path: Path) -> None:
    shutil.rmtree(paths.packages)
    assert export(paths, ComfyUI(), str(tmp_path / "deep/down")) == 0
    assert names(tmp_path / "deep/down") == FILES


def test_a_second_export_replaces_its_own_files_only(paths: Paths, tmp_path: Path, repository: Path) -> None:
    target = tmp_path / "out"
    assert export(paths, COMFYUI, str(target)) == 0
    (target / "mine.txt").write_text("mine")
    assert commands.install(paths, str(repository)) == 0
    assert export(paths, COMFYUI, str(target)) == 0
    assert "MyNode" in (target / "nodes.lock").read_text()
    assert (target / "mine.txt").read_text() == "mine"
    assert export(paths, COMFYUI, str(target)) == 0
    assert names(target) == FILES | {"mine.txt"}


@pytest.mark.parametrize("changed", sorted(FILES))
def test_a_file_that_is_not_podkeepers_is_never_replaced(
    paths: Paths, tmp_path: Path, repository: Path, changed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out"
    assert export(paths, COMFYUI, str(target)) == 0
    (target / changed).write_text("mine")
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    assert commands.install(paths, str(repository)) == 0
    assert export(paths, COMFYUI, str(target)) == 1
    said = capsys.readouterr().err
    assert f"{changed} in {target} is not as podkeeper wrote it" in said
    assert said.count("\n") == 1
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before


@pytest.mark.parametrize("kind", ["file", "link", "folder of theirs", "linked file"])
def test_what_is_in_the_way_stays(paths: Paths, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    target, other = tmp_path / "out", tmp_path / "other"
    if kind == "file":
        target.write_text("mine")
    elif kind == "link":
        target.symlink_to("nowhere")
    else:
        target.mkdir()
        other.write_text("mine")
        if kind == "folder of theirs":
            (target / "README.txt").mkdir()
        else:
            (target / "README.txt").symlink_to(other)
    before = sorted(tmp_path.rglob("*"))
    assert export(paths, COMFYUI, str(target)) == 1
    assert "podkeeper export FOLDER" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_link_is_the_users_though_what_it_leads_to_is_podkeepers(paths: Paths, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert export(paths, COMFYUI, str(target)) == 0
    os.rename(target / "README.txt", tmp_path / "README.txt")
    (target / "README.txt").symlink_to(tmp_path / "README.txt")
    assert export(paths, COMFYUI, str(target)) == 1
    assert (target / "README.txt").is_symlink()


def test_an_export_that_was_killed_leaves_no_half_folder(paths: Paths, tmp_path: Path) -> None:
    """The files are written beside the folder; the next export removes what is left of them."""
    left = tmp_path / "out.podkeeper-0123456789ab"
    left.mkdir()
    (left / "README.txt").write_text("half")
    assert export(paths, COMFYUI, str(tmp_path / "out")) == 0
    assert not left.exists()
    assert names(tmp_path / "out") == FILES


@pytest.mark.parametrize("again", [False, True], ids=["the first", "a second"])
def test_the_export_after_one_that_was_killed_at_any_moment_is_good(
    paths: Paths, tmp_path: Path, repository: Path, again: bool
) -> None:
    assert commands.install(paths, str(repository)) == 0
    number = 0
    while True:
        target = tmp_path / str(number) / "out"
        target.parent.mkdir()
        if again:
            assert export(paths, ComfyUI("0.1"), str(target)) == 0
        if not killed_before(number, partial(export, paths, COMFYUI, str(target))):
            break
        assert target.is_dir() or not again
        assert not target.is_dir() or names(target) == FILES  # never half of it
        assert export(paths, COMFYUI, str(target)) == 0
        assert os.listdir(target.parent) == ["out"]
        assert names(target) == FILES
        assert "0.29.0" in (target / "README.txt").read_text()
        number += 1
    assert number > 5


@pytest.mark.parametrize(
    ("direct", "requirement"),
    [
        (None, "lib==1.0"),
        ({"url": "https://u:secret@example.org/lib?token=secret", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}},
         "lib @ git+https://example.org/lib@0123abc"),
        ({"url": "https://example.org/all", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}, "subdirectory": "lib"},
         "lib @ git+https://example.org/all@0123abc#subdirectory=lib"),
        ({"url": "ssh://git@example.org/lib", "vcs_info": {"vcs": "git", "commit_id": "0123abc"}},
         "lib @ git+ssh://git@example.org/lib@0123abc"),
        ({"url": "https://example.org/lib-1.0.whl", "archive_info": {}}, "lib @ https://example.org/lib-1.0.whl"),
        ([], "lib==1.0"),
    ],
)  # fmt: skip
def test_a_package_is_named_by_where_pip_had_it_from(tmp_path: Path, direct: object, requirement: str) -> None:
    info = tmp_path / "lib-1.0.dist-info"
    info.mkdir()
    if direct is not None:
        (info / "direct_url.json").write_text(json.dumps(direct))
    found = package(str(tmp_path), Distribution("lib", "1.0", info.name))
    assert (found.requirement, found.why_not) == (requirement, "")


def test_a_package_of_this_pod_alone_is_a_comment_and_a_clone_its_repository(tmp_path: Path) -> None:
    origin = new_repository(tmp_path / "origin", {"setup.py": ""})
    git(tmp_path, "clone", "--quiet", str(origin), str(tmp_path / "source"))
    info = tmp_path / "lib-1.0.dist-info"
    info.mkdir()
    for folder, words in (("source", f"lib @ git+{origin}@{head(origin)}"), ("elsewhere", "lib==1.0")):
        content = {"url": f"file://{tmp_path}/{folder}", "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(content))
        found = package(str(tmp_path), Distribution("lib", "1.0", info.name))
        assert found.requirement == words
        assert bool(found.why_not) == (folder == "elsewhere")


@needs_root
def test_what_is_exported_is_the_services_users() -> None:
    """Under PUID, for root too, and nothing is written where that user may not."""
    with folder_for_others() as top:
        facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python=sys.executable)
        settings = Settings(home=str(top / "pod"), puid=str(SERVICE), pgid=str(SERVICE))
        pod = locate(settings, facts)
        Path(pod.data).mkdir(parents=True)
        os.chown(pod.data, SERVICE, SERVICE)
        (top / "roots").mkdir()
        environ = settings.to_environ() | pod.to_environ()
        assert exported_as_root(environ) == 0
        found = [Path(pod.data) / "export", *(Path(pod.data) / "export").iterdir()]
        assert {(path.stat().st_uid, path.stat().st_gid) for path in found} == {(SERVICE, SERVICE)}
        assert names(found[0]) == FILES
        assert exported_as_root(environ, f"{top}/roots/out") == 1
        assert os.listdir(top / "roots") == []


def exported_as_root(environ: dict[str, str], *words: str) -> int:
    """The exit code of the command, in a child process, which becomes the services' user for good."""
    build_parser()
    text_of(NodesLock())  # imports tomlkit: the test's Python may be where that user can't go
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            os.environ.update(environ)
            code = main(build_parser().parse_args(["export", *words]))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
