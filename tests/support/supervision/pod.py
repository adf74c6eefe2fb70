"""A real supervisord with a small configuration of its own: ours, or stock for the negative controls."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from tests.support.waiting import wait_until

FAKES = Path(__file__).with_name("fakes.py")
PYTHON = sys.executable
STAMP = "PODKEEPER_TEST_POD"
CONF = """
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[unix_http_server]
file={folder}/s.sock
[supervisorctl]
serverurl=unix://{folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
PLUGIN = """
[rpcinterface:podkeeper]
supervisor.rpcinterface_factory = {factory}
runtime = {folder}
"""
# As the entrypoint does: block the signals, then become supervisord in the same process.
BOOT = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
os.execv(sys.executable, [sys.executable, "-I", "-m", "supervisor.supervisord", *sys.argv[1:]])
"""
STOCK_BOOT = BOOT.replace("signal.pthread_sigmask", "(lambda *_: None)")


class Pod:
    """`with Pod(programs) as pod:`; no process that it started outlives the block."""

    def __init__(
        self,
        programs: str,
        *,
        stock: bool = False,
        settings: str = "",
        pid1: bool = False,
        factory: str = "entrypoint.supervision.plugin:make_rpcinterface",
        wrap: tuple[str, ...] = (),
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pod-"))  # short: a socket's path has 107 bytes
        self.stamp = uuid.uuid4().hex
        conf = CONF.format(folder=self.folder) + programs.format(
            folder=self.folder, fakes=f"{PYTHON} -I {FAKES}", python=PYTHON
        )
        if not stock:
            conf += PLUGIN.format(folder=self.folder, factory=factory) + settings
        (self.folder / "s.conf").write_text(conf)
        inside = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child") if pid1 else ()
        boot = STOCK_BOOT if stock else BOOT
        command = [*wrap, *inside, PYTHON, "-I", "-c", boot, "-c", str(self.folder / "s.conf")]
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.started = time.monotonic()
        with (self.folder / "stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                env=environ | {STAMP: self.stamp, "FOLDER": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self._pid1 = pid1

    def __enter__(self) -> "Pod":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(self.log())
        for _ in range(50):
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.02)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- supervisord itself

    @property
    def pid(self) -> int:
        """supervisord's process id in the test's PID namespace."""
        if not self._pid1:
            return self.process.pid
        return wait_until(lambda: next(children(self.process.pid), 0), 10, "supervisord below unshare")

    def log(self) -> str:
        """supervisord's log."""
        path = self.folder / "supervisord.log"
        errors = self.folder / "stderr"
        return (path.read_text() if path.exists() else "") + (errors.read_text() if errors.exists() else "")

    def send(self, number: int) -> None:
        """A signal to supervisord."""
        os.kill(self.pid, number)

    def stop(self, timeout: float = 30) -> tuple[int, float]:
        """SIGTERM; returns the exit code and the seconds it took."""
        begin = time.monotonic()
        self.send(signal.SIGTERM)
        return self.process.wait(timeout), time.monotonic() - begin

    def processes(self) -> list[int]:
        """The pids of all living processes of this pod, also of reparented ones, without zombies."""
        stamp = f"{STAMP}={self.stamp}".encode()
        return [pid for pid in pids() if stamp in read(f"/proc/{pid}/environ").split(b"\0")]

    # -- programs

    def rpc(self, method: str, *arguments: object) -> Any:
        """One call of supervisord's XML-RPC interface, over a connection of its own."""
        transport = SupervisorTransport(None, None, f"unix://{self.folder}/s.sock")
        try:
            return getattr(xmlrpc.client.ServerProxy("http://localhost", transport).supervisor, method)(*arguments)
        finally:
            transport.close()

    def info(self, name: str) -> dict[str, Any]:
        """supervisord's getProcessInfo; {} while supervisord does not respond."""
        try:
            return dict(self.rpc("getProcessInfo", name))
        except (OSError, xmlrpc.client.Error):
            return {}

    def state(self, name: str) -> str:
        return str(self.info(name).get("statename"))

    def wait_state(self, name: str, *states: str, timeout: float = 15) -> None:
        wait_until(lambda: self.state(name) in states, timeout, f"{name} is {' or '.join(states)}")

    def program(self, name: str, timeout: float = 15) -> int:
        """Wait until a program runs; returns its process id."""
        return wait_until(lambda: int(self.info(name).get("pid", 0)), timeout, f"{name} has a process")

    def wait_replaced(self, name: str, pid: int, timeout: float = 5) -> None:
        """Wait until a program runs in another process than `pid`."""
        wait_until(lambda: self.info(name).get("pid") not in (None, 0, pid), timeout, f"{name} has a new process")

    def control(self, *words: str) -> str:
        """supervisorctl, as an operator uses it."""
        command = [PYTHON, "-I", "-m", "supervisor.supervisorctl", "-c", str(self.folder / "s.conf"), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    def restarts(self, name: str) -> list[dict[str, Any]]:
        """The entries of a program in restarts.json."""
        path = self.folder / "restarts.json"
        entries = json.loads(path.read_text())["restarts"] if path.exists() else []
        return [entry for entry in entries if entry["program"] == name]

    def starts(self, name: str) -> int:
        """The number of spawns of a program in supervisord's log."""
        return self.log().count(f"spawned: '{name}'")

    def wait_starts(self, name: str, count: int, timeout: float) -> None:
        """Wait for at least `count` spawns of a program."""
        wait_until(lambda: self.starts(name) >= count, timeout, f"{count} starts of {name}", interval=0.005)

    def wait_restarts(self, name: str, count: int, timeout: float) -> None:
        """Wait until restarts.json has exactly `count` entries of a program."""
        wait_until(lambda: len(self.restarts(name)) == count, timeout, f"{count} restarts of {name} are recorded")

    def wait_gone(self, pids: set[int], timeout: float) -> None:
        """Wait until none of these processes is left in the pod."""
        wait_until(lambda: not pids & set(self.processes()), timeout, "the old processes are gone")

    def lines(self, name: str) -> list[str]:
        """The lines of a file in this pod's folder."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


def pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def children(pid: int) -> Iterator[int]:
    yield from map(int, read(f"/proc/{pid}/task/{pid}/children").split())


def read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    """Whether there is such a process and it is no zombie."""
    return read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def zombies_of(pid: int) -> list[int]:
    return [child for child in children(pid) if not alive(child)]


def stays(predicate: Callable[[], bool], seconds: float, what: str) -> None:
    """Assert for `seconds` that the predicate holds: a window for the failure, no synchronisation."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), what
        time.sleep(0.05)
