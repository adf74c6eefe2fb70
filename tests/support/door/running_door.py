"""The door alone: its launcher, real nginx and stand-ins for the services behind it, in a folder of their own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import psutil

from entrypoint.settings.paths import Paths
from tests.support.checkout import FAKE_COMFYUI_WITH_FILES, ROOT
from tests.support.ports import free_port, free_ports
from tests.support.waiting import wait_until

TOKEN = "token-of-the-gateway-tests"
FAKE = FAKE_COMFYUI_WITH_FILES / "main.py"
#: Sends files as ComfyUI does, with our handover.
FILES = FAKE.parent / "files.py"
HTML = {"Accept": "text/html,application/xhtml+xml"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def cookie(self) -> str:
        """What a browser would send back."""
        return self.headers["Set-Cookie"].partition(";")[0]


@dataclass
class Scene:
    """A gateway and what is behind it. Nothing runs before `start...`."""

    folder: pathlib.Path
    settings: Mapping[str, str] = field(default_factory=dict)
    token: str = TOKEN
    comfyui: pathlib.Path = FAKE
    port: int = field(default_factory=free_port)
    internal_port: int = field(default_factory=free_port)
    others: tuple[str, ...] = ()  # services besides ComfyUI: jupyter, status
    ports: dict[str, str] = field(default_factory=free_ports)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def runtime(self) -> pathlib.Path:
        return self.folder / "run"

    @property
    def data(self) -> pathlib.Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        """All that nginx and its launcher said."""
        return (self.folder / "gateway.log").read_text()

    def start_gateway(self) -> subprocess.Popen[bytes]:
        """As supervisord does; returns when it answers."""
        (self.runtime / "conditions").mkdir(parents=True, exist_ok=True)
        secrets = {"jupyter_token": self.token, "jupyter_cookie_secret": "s" * 43, "door_secret": "d" * 64}
        for name, text in secrets.items():
            (self.runtime / name).write_text(text)
        process = self._start([sys.executable, "-m", "entrypoint.door"], "gateway.log")
        wait_until(lambda: self._answers(process, self.port, "/podkeeper/health"), 20, "the gateway answers")
        return process

    def start_comfyui(self) -> subprocess.Popen[bytes]:
        """Returns when it answers, on its own port."""
        return self.start_behind("comfyui")

    def start_behind(self, service: str) -> subprocess.Popen[bytes]:
        """Start the stand-in behind the port of `service`."""
        port = self.internal(service)
        command = [sys.executable, str(self.comfyui), "--port", str(port), "--base-directory", str(self.data)]
        process = self._start(command, f"{service}.log")
        wait_until(lambda: self._answers(process, port, "/queue"), 20, f"what stands in for {service} answers")
        return process

    def public(self, service: str) -> int:
        """The port of the door."""
        return self.port if service == "comfyui" else int(self.ports[f"{service.upper()}_PORT"])

    def internal(self, service: str) -> int:
        """The service's own port."""
        return self.internal_port if service == "comfyui" else int(self.ports[f"{service.upper()}_INTERNAL_PORT"])

    def reload(self) -> None:
        """Make nginx reload its configuration from the folder."""
        leader = psutil.Process(self.processes[-1].pid)
        (before,) = leader.children()
        leader.send_signal(signal.SIGHUP)
        wait_until(lambda: not before.is_running(), 10, "the old worker is gone")
        wait_until(leader.children, 10, "the new worker is there")

    def ask(
        self,
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
        timeout: float = 10,
        service: str = "comfyui",
    ) -> Answer:
        """One request through the door."""
        return ask(self.public(service), path, headers, method, body, timeout)

    def raw(self, path: str, headers: Mapping[str, str]) -> Answer:
        """A GET at ComfyUI's port, with the Location as it was sent."""
        return ask(self.public("comfyui"), path, headers, resolve=False)

    def behind(self, path: str) -> Any:
        """ComfyUI's own answer, past the gateway: the effect of what was tried."""
        return ask(self.internal_port, path).json

    def _start(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                command, env=self.environ(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def environ(self) -> dict[str, str]:
        """What the entrypoint hands on."""
        base = str(self.folder)
        paths = Paths(
            data=str(self.data), stored=str(self.data), volume="", log=base, home=base,
            runtime=str(self.runtime), python=sys.executable, kept_secrets="", models_state="",
            packages="/nonexistent/packages",
        )  # fmt: skip
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        ports = {"COMFYUI_PORT": str(self.port), "COMFYUI_INTERNAL_PORT": str(self.internal_port)}
        root = str(ROOT)
        enabled = {f"{name.upper()}_ENABLED": str(name in self.others).lower() for name in ("jupyter", "status")}
        return kept | paths.to_environ() | self.ports | ports | enabled | {"PYTHONPATH": root, **self.settings}

    def _answers(self, process: subprocess.Popen[bytes], port: int, path: str) -> bool:
        assert process.poll() is None, f"it ended: see {self.folder}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ask(port, path).status == 200
        return False

    def stop(self) -> None:
        """Nothing is left."""
        for process in self.processes:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """With all its children, at once."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for member in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
    process.kill()
    process.wait(10)


def ask(
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
    timeout: float = 10,
    resolve: bool = True,
) -> Answer:
    """One request on a connection of its own; `resolve`: a Location is told as the path to which it leads."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        found = dict(response.getheaders())
        if resolve and (location := found.get("Location")):
            # Where it leads, as a browser reads it.
            found["Location"] = urljoin(f"http://pod{path}", location).removeprefix("http://pod")
        return Answer(response.status, found, response.read())


def status_of_length(port: int, path: str, headers: Mapping[str, str], length: int) -> int:
    """The status of a POST that announces a body of `length` bytes and sends none of them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.putrequest("POST", path)
        for name, text in {**headers, "Content-Length": str(length)}.items():
            connection.putheader(name, text)
        connection.endheaders()
        return connection.getresponse().status


@contextlib.contextmanager
def running(
    folder: pathlib.Path,
    settings: Mapping[str, str] | None = None,
    comfyui: bool = True,
    token: str = TOKEN,
    fake: pathlib.Path = FAKE,
    others: tuple[str, ...] = (),
) -> Iterator[Scene]:
    """A door that is gone at the end; `others`: the services in front of which it stands besides ComfyUI."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene(folder, settings or {}, token, fake, others=others)
    try:
        if comfyui:
            scene.start_comfyui()
        for service in others:
            scene.start_behind(service)
        scene.start_gateway()
        yield scene
    finally:
        scene.stop()


def websocket(port: int, headers: Mapping[str, str] | None = None, path: str = "/ws") -> int:
    """The status a WebSocket's handshake gets: 101 is an open one."""
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=upgrade | dict(headers or {}))
        return connection.getresponse().status


def sent_by_nginx(answer: Answer, path: pathlib.Path) -> bool:
    """nginx's ETag is made of seconds, aiohttp's of nanoseconds."""
    status = path.stat()
    etag = next(text for name, text in answer.headers.items() if name.lower() == "etag")
    return etag == f'"{int(status.st_mtime):x}-{status.st_size:x}"'
