"""A whole pod in local mode: the real entrypoint, supervisord and JupyterLab in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.support.checkout import FAKE_COMFYUI
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

TOKEN = "token-of-the-process-tests"


class Pod:
    """One start of the pod. `environ` goes on top of what every test pod has."""

    def __init__(
        self,
        home: Path,
        environ: dict[str, str],
        stdout: Any = None,
        command: tuple[str, ...] = (),
        python: str = sys.executable,
        user: int | None = None,
    ) -> None:
        self.home, self.python = home, python
        ports = free_ports()
        self.jupyter_port, self.comfyui_port, self.status_port = (
            int(ports[f"{name}_PORT"]) for name in ("JUPYTER", "COMFYUI", "STATUS")
        )
        self.output = home.parent / f"{home.name}.out"
        base = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "PODKEEPER_HOME": str(home),
            **ports,
            "COMFYUI_ENABLED": "false",
            "MODELS": "none",
            "JUPYTER_TOKEN": TOKEN,
        }
        self.environ = {name: text for name, text in (base | environ).items() if text}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [python, "-I", "-m", "entrypoint", *command],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=stdout or file,
                stderr=file,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    @property
    def text(self) -> str:
        """What the container's log would show."""
        return self.output.read_text(errors="replace")

    def log(self, name: str) -> str:
        """A log file's text."""
        path = self.home / "log" / name
        return path.read_text() if path.exists() else ""

    def jupyter(self, path: str, token: str = TOKEN) -> Any:
        """JupyterLab's JSON answer; raises OSError while it does not answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.jupyter_port}{path}", headers={"Authorization": f"token {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def wait_for_jupyter(self) -> None:
        """Until it answers."""

        def up() -> bool:
            assert self.process.poll() is None, self.text
            with contextlib.suppress(OSError):
                return bool(self.jupyter("/api")["version"])
            return False

        wait_until(up, 60, f"JupyterLab answers; see {self.output}", 0.1)

    def wait_for_log(self, words: str, timeout: float = 60) -> None:
        """Until the container's log shows these words."""
        wait_until(lambda: words in self.text, timeout, f"{words!r} in {self.output}", 0.1)

    def podkeeper(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user in a terminal of the same machine would."""
        code = "import sys; from entrypoint.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [self.python, "-I", "-c", code]
        return subprocess.run([*command, *arguments], env=self.environ, capture_output=True, text=True, timeout=60)

    def family(self) -> list[psutil.Process]:
        """Every process of the pod; a child that has ended has no command line any more."""
        leader = psutil.Process(self.process.pid)
        alive = []
        for each in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                if each.cmdline():
                    alive.append(each)
        return alive

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it as a container engine (or Ctrl-C) does; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@contextlib.contextmanager
def running(
    home: Path,
    environ: dict[str, str] | None = None,
    stdout: Any = None,
    command: tuple[str, ...] = (),
    python: str = sys.executable,
    user: int | None = None,
) -> Iterator[Pod]:
    """A pod that is gone at the end, whatever happened; `command` is its start command, `user` its uid."""
    pod = Pod(home, environ or {}, stdout, command, python, user)
    try:
        yield pod
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for member in pod.family():
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()
        pod.process.wait(10)


def others_can_read(path: Path, top: Path) -> bool:
    """Whether another user gets at the file: it is readable and every folder on the way can be entered."""
    folders = [folder for folder in path.parents if folder.is_relative_to(top)]
    return bool(path.stat().st_mode & 0o044) and all(folder.stat().st_mode & 0o011 for folder in folders)


def fake_python(folder: Path) -> Path:
    """An interpreter that has a package called torch."""
    packages = folder / "packages"
    (packages / "torch").mkdir(parents=True)
    (packages / "torch/__init__.py").write_text("")
    python = folder / "python"
    python.write_text(
        "#!/bin/bash\n"
        f'if [ "$1" = -I ]; then shift; exec env PYTHONPATH={packages} {sys.executable} "$@"; fi\n'
        f'exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    return python


def environ_for(folder: Path) -> dict[str, str]:
    """A ComfyUI that stands in for the real one, and a hub whose name is always known."""
    return {
        "COMFYUI_DIR": str(FAKE_COMFYUI),
        "COMFYUI_PYTHON": str(fake_python(folder)),
        "HF_ENDPOINT": "http://localhost:9",
    }
