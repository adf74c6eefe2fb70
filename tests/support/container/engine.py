"""Containers of the real image in a real Docker engine, gone at the end whatever happened."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

from tests.support.waiting import wait_until

TOKEN = "token-of-the-container-tests"
#: The label of every object that a test makes, so that other containers are left alone.
LABEL = "podkeeper-test"


def docker(*arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the engine's client; with `check`, its words on stderr explain a failure."""
    ended = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout)
    assert not check or ended.returncode == 0, f"docker {' '.join(arguments)}: {ended.stderr}"
    return ended


class Container:
    """One container. Its ports are published on free ports of the loopback address, unless it gets a `--network`."""

    def __init__(self, image: str, options: tuple[str, ...], command: tuple[str, ...] = ()) -> None:
        published: tuple[str, ...] = ("--publish", "127.0.0.1::8189", "--publish", "127.0.0.1::8188")
        if "--network" in options:
            published = ()
        self.id = docker("run", "--detach", "--label", LABEL, *published, *options, image, *command).stdout.strip()

    def port(self, inside: int = 8189) -> int:
        """Where the container's port is on this machine (another one after a restart)."""
        return int(docker("port", self.id, f"{inside}/tcp").stdout.split()[0].rpartition(":")[2])

    @property
    def log(self) -> str:
        """What `docker logs` shows, stderr included."""
        ended = docker("logs", self.id)
        return ended.stdout + ended.stderr

    def inspect(self, template: str) -> str:
        """`docker inspect --format`."""
        return docker("inspect", "--format", template, self.id).stdout.strip()

    def run(self, command: str, check: bool = True) -> str:
        """What `docker exec` of a shell command prints."""
        ended = docker("exec", self.id, "bash", "-c", command, check=check)
        return ended.stdout + ended.stderr

    def jupyter(self, path: str, token: str = TOKEN) -> Any:
        """JupyterLab's JSON answer; raises OSError while it does not answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port()}{path}", headers={"Authorization": f"token {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def wait_for_jupyter(self) -> None:
        """Until it answers on its published port."""

        def up() -> bool:
            assert self.inspect("{{.State.Running}}") == "true", self.log
            with contextlib.suppress(OSError):
                return bool(self.jupyter("/api")["version"])
            return False

        try:
            wait_until(up, 60, "JupyterLab answers", 0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.log}") from None

    def wait_for_log(self, words: str, timeout: float = 60) -> None:
        """Until the container's log shows these words."""
        try:
            wait_until(lambda: words in self.log, timeout, f"{words!r} in the log", 0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.log}") from None

    def stop(self) -> tuple[int, float]:
        """`docker stop` as the platforms do it: SIGTERM, SIGKILL 10 s later. Exit code, and seconds it took."""
        started = time.monotonic()
        docker("stop", "--time", "10", self.id)
        return int(self.inspect("{{.State.ExitCode}}")), time.monotonic() - started


@contextlib.contextmanager
def running(image: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[Container]:
    """A container of the image; unless the options say otherwise JUPYTER_TOKEN is TOKEN and no model is fetched."""
    usual = ("--env", f"JUPYTER_TOKEN={TOKEN}", "--env", "MODELS=none")
    container = Container(image, (*usual, *options), command)
    try:
        yield container
    finally:
        docker("rm", "--force", "--volumes", container.id)


@contextlib.contextmanager
def volume() -> Iterator[str]:
    """A named volume."""
    name = f"{LABEL}-{uuid.uuid4().hex[:12]}"
    docker("volume", "create", "--label", LABEL, name)
    try:
        yield name
    finally:
        docker("volume", "rm", "--force", name)
