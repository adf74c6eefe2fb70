"""Pods to browse: the real entrypoint in local mode, and a stock JupyterLab as the negative control."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import psutil

from tests.support.browser.proxies import POD_ID
from tests.support.ports import free_port, free_ports
from tests.support.waiting import wait_until

TOKEN = "token-of-the-browser-tests"
# What a process needs of the machine's environment; JUPYTER_*, RUNPOD_* and the like must not leak in.
KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")


class Starting(Exception):
    """The door's response while the service behind it does not run yet."""


class Pod:
    """The real thing: our entrypoint, every path under `home`."""

    def __init__(self, home: pathlib.Path, overrides: str = "") -> None:
        """`overrides`: a user's own jupyter_lab_config.py on the volume, loaded after ours."""
        self.home = home
        self.port, self.status_port = free_port(), free_port()
        self.token = TOKEN
        self.root = home / "comfyui"
        self.log = home / "log" / "jupyter.log"
        self.output = home.parent / f"{home.name}.out"
        if overrides:
            folder = self.root / ".jupyter"
            folder.mkdir(parents=True)
            (folder / "jupyter_lab_config.py").write_text(overrides)

    @property
    def other_ports(self) -> tuple[int, ...]:
        """The public ports besides JupyterLab's."""
        return (self.status_port,)

    def command(self) -> list[str]:
        """The command line."""
        return [sys.executable, "-P", "-m", "entrypoint"]

    def environ(self) -> dict[str, str]:
        """What the template's author would set, on top of what RunPod sets."""
        return {
            **free_ports(),
            "PODKEEPER_HOME": str(self.home),
            "JUPYTER_PORT": str(self.port),
            "STATUS_PORT": str(self.status_port),
            "COMFYUI_ENABLED": "false",
            "MODELS": "none",
            "JUPYTER_TOKEN": self.token,
            "RUNPOD_POD_ID": POD_ID,
        }

    def inside(self, path: pathlib.Path) -> str:
        """What programs of the pod call a file under `root`."""
        return str(path)

    def start(self) -> None:
        """Returns when Jupyter answers."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(),
                env=kept | {"HOME": str(self.home.parent)} | self.environ(),
                cwd=self.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._answers, 60, f"Jupyter answers; see {self.output}", interval=0.1)

    def stop(self) -> None:
        """SIGTERM as a container engine sends it; nothing of the pod outlives this."""
        leader = psutil.Process(self.process.pid)
        family = [leader, *leader.children(recursive=True)]
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            for member in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
            self.process.wait(5)

    def child(self, word: str) -> psutil.Process:
        """The process under supervisord that has `word` on its command line."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if word in " ".join(child.cmdline())]
        return found

    def guard_off(self) -> None:
        """Reload nginx with a configuration for which every page is the pod's own."""
        nginx = self.child("nginx")
        config = pathlib.Path(nginx.cwd(), "gateway/nginx.conf")
        guard = 'default 1; "~^1:1" ""; "~^::1" "";'
        text = config.read_text()
        assert guard in text
        config.write_text(text.replace(guard, 'default "";'))
        (worker,) = nginx.children()
        nginx.send_signal(signal.SIGHUP)
        wait_until(lambda: not worker.is_running(), 10, "the old worker is gone")
        wait_until(nginx.children, 10, "the new worker is there")

    def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Jupyter's answer to its owner: no proxy, no browser, the token in a header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"token {self.token}"}
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
            if response.getheader("X-Podkeeper") == "starting":
                raise Starting(text)
            assert response.status < 300, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if text else None

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"the pod ended with {self.process.returncode}; see {self.output}"
        try:
            self.api("GET", "/api/status")
        except (OSError, http.client.HTTPException, Starting):
            return False
        return True


class StockPod(Pod):
    """`jupyter lab` as pip installs it: no setting but where to listen, the root folder and the token."""

    def __init__(self, home: pathlib.Path, listen_on: str) -> None:
        super().__init__(home)
        self.listen_on = listen_on
        self.root.mkdir(parents=True)

    def command(self) -> list[str]:
        where = [f"--ServerApp.ip={self.listen_on}", f"--ServerApp.port={self.port}"]
        rest = [f"--ServerApp.root_dir={self.root}", "--no-browser", "--allow-root"]
        return [sys.executable, "-m", "jupyterlab", *where, *rest]

    def environ(self) -> dict[str, str]:
        return {"JUPYTER_TOKEN": self.token}


@contextlib.contextmanager
def running(pod: Pod) -> Iterator[Pod]:
    """The pod, started; stopped at the end."""
    pod.start()
    try:
        yield pod
    finally:
        pod.stop()


@contextlib.contextmanager
def open_folder(name: str) -> Iterator[pathlib.Path]:
    """A temporary folder that other users can enter: pytest's own is 0700, and another uid must read uploads."""
    with tempfile.TemporaryDirectory(prefix=f"podkeeper-{name}-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield pathlib.Path(folder)
