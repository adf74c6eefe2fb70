"""`podkeeper nodes`, with real git and real pip."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from entrypoint.nodes import commands, needs, source
from entrypoint.nodes.blame import LeftOut
from entrypoint.nodes.folders import part_of, remove_parts
from entrypoint.nodes.inventory import folder_of, inventory
from entrypoint.nodes.left_out import read_left_out, write_left_out
from entrypoint.packages.distributions import added
from entrypoint.packages.overlay import Overlay
from entrypoint.settings.paths import Paths
from tests.support.node_repositories import commit, git, head
from tests.support.waiting import wait_until


def site_of(paths: Paths) -> str:
    return Overlay(f"{paths.packages}/env", "").site


def test_a_node_is_installed_with_what_it_asks_for(
    paths: Paths, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = head(repository)
    assert commands.install(paths, f"{repository}@{first}") == 0
    assert (Path(paths.data) / "custom_nodes/MyNode/__init__.py").is_file()
    assert "lib" in added(site_of(paths))
    assert "podkeeper restart comfyui" in capsys.readouterr().out
    assert commands.list_nodes(paths) == 0
    assert first[:10] in capsys.readouterr().out
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
    commit(repository, {"requirements.txt": requirements})
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


def test_an_environment_of_the_users_own_is_left_alone(
    paths: Paths, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(paths.packages)
    monkeypatch.setenv("COMFYUI_PYTHON", "/mine/bin/python")
    assert commands.install(paths, str(repository)) == 1
    assert "install it there: /mine/bin/python -m pip install -r" in capsys.readouterr().err


def test_remove_keeps_the_files(paths: Paths) -> None:
    folder = Path(folder_of(paths))
    for _ in range(2):
        (folder / "Mine").mkdir(parents=True)
        (folder / "Mine/mine.txt").write_text("mine")
        assert commands.remove(paths, "Mine") == 0
    assert len(list(folder.glob("Mine*.disabled/mine.txt"))) == 2
    assert commands.remove(paths, "Mine") == 1


@pytest.mark.parametrize(
    ("script", "words"),
    [("input('Which GPU? ')", "EOF"), ("raise SystemExit(3)", "exit 3"), ("1 / 0", "ZeroDivisionError")],
)
def test_an_install_script_that_fails_leaves_no_node(
    paths: Paths, repository: Path, script: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(repository, {"install.py": script})
    assert commands.install(paths, str(repository)) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert os.listdir(folder_of(paths)) == []


def test_an_install_script_that_runs_for_ever_is_killed_with_what_it_started(
    paths: Paths, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    children = tmp_path / "children"
    script = f"""
import subprocess, time
child = subprocess.Popen(["sleep", "600"])
open({str(children)!r}, "w").write(str(child.pid))
time.sleep(600)
"""
    commit(repository, {"install.py": script})
    monkeypatch.setattr(needs, "_LONGEST_S", 3)
    began = time.monotonic()
    assert commands.install(paths, str(repository)) == 1
    assert time.monotonic() - began < 60
    assert "takes longer than" in capsys.readouterr().err
    wait_until(lambda: not runs(int(children.read_text())), 10, "the script's child has ended")
    assert os.listdir(folder_of(paths)) == []


def runs(pid: int) -> bool:
    """Whether the process runs; one whose parent is gone may stay a zombie where no init collects it."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_an_install_script_runs_in_the_nodes_folder_with_comfyuis_python(paths: Paths, repository: Path) -> None:
    commit(repository, {"install.py": "import lib, sys; open('made-by-install', 'w').write(sys.executable)"})
    assert commands.install(paths, str(repository)) == 0
    assert (Path(folder_of(paths)) / "MyNode/made-by-install").read_text() == Overlay(
        f"{paths.packages}/env", ""
    ).python


def test_a_repository_that_is_too_large_is_refused(
    paths: Paths, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "video.mp4").write_bytes(os.urandom(3 << 20))
    commit(repository, {})
    monkeypatch.setattr(source, "_MOST", 1 << 20)
    assert commands.install(paths, f"file://{repository}") == 1  # a file:// address is no address of a node's
    url = f"http://localhost/{repository.name}"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{repository}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", url)
    capsys.readouterr()
    assert commands.install(paths, url) == 1
    assert "the repository is larger than" in capsys.readouterr().err
    assert os.listdir(folder_of(paths)) == []


@pytest.fixture
def locked_server() -> Iterator[str]:
    """An HTTP server that asks for a login."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/Private"
        server.shutdown()


def test_a_repository_that_needs_a_login_is_named_and_nobody_is_asked(
    paths: Paths, locked_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.install(paths, locked_server) == 1
    assert "there is no such repository, or it needs a login" in capsys.readouterr().err


def test_an_editable_requirement_is_installed_as_a_package(paths: Paths, repository: Path) -> None:
    commit(repository, {"mine/setup.py": "import setuptools; setuptools.setup(name='mine', version='1.0')"})
    project = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    backend = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/mine-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mine.py", "")
        wheel.writestr("mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mine\\nVersion: 1.0\\n")
        wheel.writestr("mine-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("mine-1.0.dist-info/RECORD", "mine.py,,\\nmine-1.0.dist-info/RECORD,,\\n")
    return "mine-1.0-py3-none-any.whl"
"""
    commit(
        repository,
        {"mine/pyproject.toml": project, "mine/backend.py": backend, "requirements.txt": "--editable ./mine\n"},
    )
    assert commands.install(paths, str(repository)) == 0
    assert (Path(site_of(paths)) / "mine.py").is_file()


def test_what_a_killed_installation_has_left_is_no_node_and_is_removed_later(paths: Paths) -> None:
    folder = Path(folder_of(paths))
    for name in ("Old", "New"):
        Path(part_of(str(folder / name)), "files").mkdir(parents=True)
    (folder / "Mine.disabled").mkdir()
    assert [node.name for node in inventory(paths)] == ["Mine.disabled"]
    old = next(folder.glob("Old*"))
    os.utime(old, (1, 1))
    remove_parts(str(folder))
    assert not old.exists()
    assert len(list(folder.iterdir())) == 2
