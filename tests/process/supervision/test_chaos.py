"""Everything at once, for 20 s or (PODKEEPER_LONG=1) ten minutes; then exactly one healthy instance of each."""

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.supervision.pod import Pod, alive, read, zombies_of
from tests.support.supervision.prober import FAST, PROBER, SERVICE
from tests.support.waiting import wait_until

LONG = bool(os.environ.get("PODKEEPER_LONG"))
SECONDS = 600 if LONG else 20
SIGNALS = ("TERM", "INT", "HUP", "KILL", "SEGV", "QUIT", "USR1", "ABRT", "STOP")
SERVICES = ("x", "comfyui")
FLOOD = """
[program:flood]
command=sh -c 'yes "a line of a log that is never read" | head -c 3000000'
autostart=false
autorestart=false
startsecs=0
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={folder}/flood.log
stdout_logfile_maxbytes=200KB
stdout_logfile_backups=1
"""


def programs() -> str:
    parts = [FLOOD]
    for name, kind in zip(SERVICES, ("web", "comfyui"), strict=True):
        port = f"{{folder}}/port-{name}"
        parts.append(SERVICE.format(name=name, kind=kind).replace("{folder}/port", port))
        prober = PROBER.format(fast=FAST, name=name, fields="").replace("{folder}/port", port)
        parts.append(prober.replace("program:prober", f"program:prober-{name}"))
    return "".join(parts)


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A log reader that has stalled: nothing more fits into its pipe."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(write_end, b"x" * 65536):
            pass
    os.set_blocking(write_end, True)
    try:
        yield write_end
    finally:
        os.close(read_end)
        os.close(write_end)


@contextlib.contextmanager
def small_disk() -> Iterator[Path | None]:
    """A file system of 2 MiB to fill, where we may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=False, capture_output=True
    ).returncode
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Chaos:
    """Random harm, reproducible by its seed."""

    def __init__(self, pod: Pod, seed: int, disk: Path | None) -> None:
        self.pod, self.disk = pod, disk
        self.random = random.Random(seed)
        self.harms: list[Callable[[], None]] = [
            self.signal, self.signal, self.signal, self.operate, self.operate, self.kill_prober, self.flood,
            self.fill_disk, self.work,
        ]  # fmt: skip

    def run(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError, xmlrpc.client.Fault):
                self.random.choice(self.harms)()
            time.sleep(self.random.uniform(0, 0.3))
            assert alive(self.pod.pid), "supervisord died"

    def signal(self) -> None:
        pid = self.pod.info(self.random.choice(SERVICES)).get("pid")
        if pid:
            os.kill(pid, signal.Signals[f"SIG{self.random.choice(SIGNALS)}"])

    def operate(self) -> None:
        method = self.random.choice(("startProcess", "stopProcess"))
        self.pod.rpc(method, self.random.choice(SERVICES), False)

    def kill_prober(self) -> None:
        pid = self.pod.info(f"prober-{self.random.choice(SERVICES)}").get("pid")
        if pid:
            os.kill(pid, signal.SIGKILL)

    def flood(self) -> None:
        self.pod.rpc("startProcess", "flood", False)

    def fill_disk(self) -> None:
        if self.disk:
            filler = self.disk / "filler"
            with contextlib.suppress(OSError):
                filler.write_bytes(b"x" * (4 << 20))
            if self.random.random() < 0.5:
                filler.unlink(missing_ok=True)

    def work(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            get(self.pod, "comfyui", self.random.choice((b"sleep 1", b"exit", b"cuda")))


def get(pod: Pod, name: str, data: bytes | None = None) -> bytes:
    port = int((pod.folder / f"port-{name}").read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/prompt", data, 0.5) as response:
        return bytes(response.read())


def responds(pod: Pod, name: str) -> bool:
    try:
        return bool(get(pod, name))
    except (OSError, ValueError):
        return False


def commands(pod: Pod) -> list[str]:
    """The program and kind in every process's command line."""
    lines = [read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode() for pid in pod.processes()]
    return sorted(" ".join(line.split()[2:4]).rsplit("/", 1)[-1] for line in lines)


def footprint(pod: Pod) -> tuple[int, int]:
    status = read(f"/proc/{pod.pid}/status").decode()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{pod.pid}/fd")), rss


def settled(pod: Pod) -> bool:
    """Exactly one healthy instance of each service and no other process."""
    running = all(pod.state(name) == "RUNNING" and responds(pod, name) for name in SERVICES)
    return running and commands(pod) == EXPECTED and not zombies_of(pod.pid)


EXPECTED = sorted(
    [
        "fakes.py web",
        "fakes.py comfyui",
        "fast_prober.py x",
        "fast_prober.py comfyui",
        "-m supervisor.supervisord",
    ]
)


@pytest.mark.timeout(SECONDS + 200)
@pytest.mark.parametrize("seed", [1])
def test_chaos(seed: int) -> None:
    """Random signals, SIGSTOP, stop/start, floods, a stalled reader, a full disk, dead probers."""
    with small_disk() as disk, full_pipe() as stalled:
        logs = disk or Path(tempfile.gettempdir())
        text = programs().replace("stdout_logfile={folder}", f"stdout_logfile={logs}")
        settings = "base=0.1\ncap=1\nstable_after=5\nsweep=comfyui,x\n"
        with Pod(text, stdout=stalled, settings=settings) as pod:
            wait_until(lambda: settled(pod), 30, "everything is up")
            Chaos(pod, seed, disk).run(SECONDS / 2)
            middle = footprint(pod)
            Chaos(pod, seed + 1000, disk).run(SECONDS / 2)
            if disk:
                (disk / "filler").unlink(missing_ok=True)
            for name in SERVICES:
                with contextlib.suppress(xmlrpc.client.Fault):
                    pod.rpc("startProcess", name, False)
            try:
                wait_until(lambda: settled(pod), 60, "one healthy instance of each", interval=0.2)
            except AssertionError:
                raise AssertionError(f"left: {commands(pod)}, {[pod.info(n) for n in SERVICES]}") from None
            end = footprint(pod)
            assert end[0] <= middle[0] + 4, "descriptors leak"
            assert end[1] <= middle[1] + 3072, "memory leaks"
            print(f"footprint (fd, KiB): {middle} -> {end}; restarts: {len(pod.restarts('x'))} kept")
            assert pod.stop()[0] == 0
            assert pod.processes() == []
