"""ComfyUI's registry, played by an HTTP server: a version is installed, updated with the user's files, and refused."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from entrypoint.nodes import commands, keep_lock, registry, update
from entrypoint.nodes.import_log import ImportReport
from entrypoint.nodes.inventory import folder_of, inventory, write_report
from entrypoint.settings.paths import Paths


def archive(version: str, *names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("pyproject.toml", f'[project]\nname = "probe"\nversion = "{version}"\n')
        for name in names:
            file.writestr(name, version)
    return content.getvalue()


class Registry(BaseHTTPRequestHandler):
    """`newest`: the newest version; `archives`: version -> its archive."""

    newest = "1.0.0"
    archives: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith("/archives/"):
            self.respond(200, self.archives[path.removeprefix("/archives/")])
        elif path == "/nodes/probe/install" and (query.removeprefix("version=") or self.newest) in self.archives:
            version = query.removeprefix("version=") or self.newest
            host = self.headers["Host"]
            content = {"version": version, "downloadUrl": f"http://{host}/archives/{version}"}
            self.respond(200, json.dumps(content).encode())
        else:
            self.respond(404, b"{}")

    def respond(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Registry.newest = "1.0.0"
    Registry.archives = {"1.0.0": archive("1.0.0", "__init__.py", "old.py"), "1.1.0": archive("1.1.0", "__init__.py")}
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(registry, "API", f"http://127.0.0.1:{running.server_port}")
        yield
        running.shutdown()


def node(paths: Paths) -> Path:
    return Path(folder_of(paths)) / "probe"


def test_a_name_is_installed_updated_and_locked(paths: Paths) -> None:
    assert commands.install(paths, "probe") == 0
    assert (node(paths) / "old.py").read_text() == "1.0.0"
    (node(paths) / "config").mkdir()
    (node(paths) / "config/mine.json").write_text("mine")
    Registry.newest = "1.1.0"
    assert update.outdated(paths) == 0
    assert inventory(paths)[0].newest == "1.1.0"
    assert update.update(paths, ["probe"]) == 0
    assert (node(paths) / "__init__.py").read_text() == "1.1.0"
    assert not (node(paths) / "old.py").exists()
    assert (node(paths) / "config/mine.json").read_text() == "mine"
    write_report(paths, ImportReport({"probe": 0.1}, {}))
    assert keep_lock.lock(paths) == 0
    assert 'registry = "probe"\nversion = "1.1.0"' in Path(keep_lock.lock_file(paths)).read_text()


def test_a_version_is_installed(paths: Paths) -> None:
    Registry.newest = "1.1.0"
    assert commands.install(paths, "probe@1.0.0") == 0
    assert (node(paths) / "__init__.py").read_text() == "1.0.0"


@pytest.mark.parametrize(
    ("address", "content", "words"),
    [
        ("unknown", b"", "has no node unknown"),
        ("probe@9.9.9", b"", "has no node probe"),
        ("probe", b"no archive", "is no zip archive"),
        ("probe", archive("1.0.0", "requirements.txt"), "cannot install what probe asks for"),
    ],
)
def test_what_cannot_be_had_leaves_nothing(
    paths: Paths, address: str, content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Registry.archives["1.0.0"] = content
    assert commands.install(paths, address) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert os.listdir(folder_of(paths)) == []


def test_an_archive_that_is_too_large_is_refused(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "MOST", 10)
    assert commands.install(paths, "probe") == 1
    assert "has more than" in capsys.readouterr().err
    assert os.listdir(folder_of(paths)) == []


def test_without_a_network_it_is_one_line(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "API", "http://127.0.0.1:9")
    assert commands.install(paths, "probe") == 1
    assert "cannot ask ComfyUI's registry" in capsys.readouterr().err


def test_an_archive_writes_nothing_outside_its_folder(paths: Paths) -> None:
    Registry.archives["1.0.0"] = archive("1.0.0", "../../outside", "/etc/outside")
    assert commands.install(paths, "probe") == 0
    assert not (Path(folder_of(paths)).parent / "outside").exists()
    assert (node(paths) / "outside").exists()
