"""A container with the interface of the browser tests' pods."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from tests.support.browser.network_namespace import network_of
from tests.support.browser.pods import Pod, Starting
from tests.support.browser.proxies import POD_ID
from tests.support.container.engine import TOKEN, Container, docker, running
from tests.support.waiting import wait_until


class ContainerPod(Pod):
    """The image with a volume at /workspace. Each start is a new container, as after a stop on RunPod."""

    def __init__(self, home: pathlib.Path, image: str, network: str, options: tuple[str, ...] = ()) -> None:
        """`home`: holds the volume; `network`: container whose network it joins."""
        super().__init__(home)
        self.port, self.token = 8189, TOKEN
        self.root = home / "workspace/comfyui"
        self.root.parent.mkdir(parents=True)
        variables = {"JUPYTER_TOKEN": TOKEN, "RUNPOD_POD_ID": POD_ID, "MODELS": "none"}
        given = [f"--env={name}={text}" for name, text in variables.items()]
        mount = f"--volume={self.root.parent}:/workspace"
        self._image, self._options = image, ("--network", f"container:{network}", mount, *given, *options)
        self.logs: list[str] = []

    def inside(self, path: pathlib.Path) -> str:
        return f"/comfyui/{path.relative_to(self.root)}"

    def start(self) -> None:
        self.container = Container(self._image, self._options)
        wait_until(self._is_up, 60, "JupyterLab answers", 0.1)

    def stop(self) -> None:
        """`docker stop`, and the container is gone; its log is kept for the tests."""
        try:
            code, _ = self.container.stop()
            self.logs.append(self.container.log)
            assert code == 0, self.logs[-1]
        finally:
            docker("rm", "--force", "--volumes", self.container.id)

    def _is_up(self) -> bool:
        assert self.container.inspect("{{.State.Running}}") == "true", self.container.log
        with contextlib.suppress(OSError, AssertionError, Starting):
            return bool(self.api("GET", "/api/status"))
        return False


@contextlib.contextmanager
def network_of_a_container(image: str) -> Iterator[str]:
    """Id of a container with a loopback and nothing else, whose network this thread is in.

    It outlives the pods that join it, so that neither proxy nor browser notice a stop; and no other container's
    coming and going makes Chromium abort a request (ERR_NETWORK_CHANGED).
    """
    asleep = ("--network", "none", "--entrypoint", "sleep", "--no-healthcheck")
    with (
        running(image, *asleep, command=("infinity",)) as holder,
        network_of(int(holder.inspect("{{.State.Pid}}"))),
    ):
        yield holder.id
