"""The prober and the plugin together: hangs, leaks, dead workers, CUDA errors, and healthy processes left alone."""

import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.supervision.pod import Pod, alive, read, stays
from tests.support.supervision.prober import FAST, PROBER, SERVICE
from tests.support.waiting import wait_until


def service(kind: str = "web", fields: str = "", prober: bool = True) -> str:
    name = "comfyui" if kind == "comfyui" else "x"
    conf = SERVICE.format(name=name, kind=kind)
    return conf + PROBER.format(fast=FAST, name=name, fields=fields) if prober else conf


class Client:
    """A user of the fake service."""

    def __init__(self, pod: Pod, name: str) -> None:
        self.pod, self.name = pod, name
        wait_until(lambda: (pod.folder / "port").exists(), 10, "the service has a port")
        self.port = int((pod.folder / "port").read_text())
        wait_until(self.responds, 10, "the service responds")
        self.pid = pod.program(name)

    def is_watched(self) -> None:
        """Wait for the first successful probe: from now on liveness counts, and the prober knows the threads."""
        line = f"process {self.pid} responds"
        wait_until(lambda: any(line in seen for seen in self.pod.lines("prober.log")), 10, line)

    def get(self, path: str, data: bytes | None = None, timeout: float = 5) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data, timeout) as response:
            return bytes(response.read())

    def responds(self) -> bool:
        try:
            return bool(self.get("/", timeout=0.5))
        except OSError:
            return False

    def replaced(self, kind: str, timeout: float = 12) -> str:
        """Wait until another process responds; returns the recorded reason."""
        wait_until(lambda: self.pod.info(self.name).get("pid") not in (0, None, self.pid), timeout, "replaced")
        wait_until(lambda: not alive(self.pid), 3, "the old one is gone")
        wait_until(self.responds, 10, "the new one responds")
        entry = self.pod.restarts(self.name)[-1]
        assert entry["kind"] == kind, entry
        return str(entry["reason"])

    def stays_up(self, seconds: float) -> None:
        stays(lambda: alive(self.pid), seconds, "a healthy process was killed")
        assert self.pod.restarts(self.name) == []


@pytest.mark.parametrize("how", ["stopped", "looping"])
def test_a_hang_is_replaced(how: str) -> None:
    """SIGSTOP (no SIGTERM will end it) and a request that never returns."""
    with Pod(service()) as pod:
        client = Client(pod, "x")
        client.is_watched()
        if how == "stopped":
            os.kill(client.pid, signal.SIGSTOP)
        else:
            with pytest.raises(OSError, match="timed out"):
                client.get("/hang", timeout=0.2)
        assert "hung: " in client.replaced("hang")


def test_without_the_prober_a_hang_stays() -> None:
    """Negative control: supervision alone sees a RUNNING process."""
    with Pod(service(prober=False)) as pod:
        client = Client(pod, "x")
        os.kill(client.pid, signal.SIGSTOP)
        stays(lambda: pod.info("x").get("pid") == client.pid, 4, "it was replaced")


def test_a_busy_gil_is_no_hang() -> None:
    """Silence that is shorter than the window is forgiven."""
    with Pod(service()) as pod:
        client = Client(pod, "x")
        client.is_watched()
        client.get("/busy?1.2")
        client.stays_up(1.5)


def test_startup_has_its_own_grace() -> None:
    """A service that never responds is left alone for its startup grace and replaced afterwards."""
    programs = service(fields="startup_grace=4").replace("{fakes} web {folder}/port", "sleep 1000")
    with Pod(programs) as pod:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            (pod.folder / "port").write_text(str(silent.getsockname()[1]))
            pid = pod.program("x")
            begin = time.monotonic()
            wait_until(lambda: pod.restarts("x"), 12, "replaced")
        assert time.monotonic() - begin > 3
        assert pod.restarts("x")[-1]["kind"] == "startup"
        assert not alive(pid)


def test_what_a_launcher_installs_is_no_part_of_its_start(tmp_path: Path) -> None:
    """4 GB from a slow package index take longer than any start may."""
    pip, stop = tmp_path / "pip", tmp_path / "stop"
    pip.write_text(f"#!/bin/sh\nwhile [ ! -e {stop} ]; do sleep 0.1; done\n")
    pip.chmod(0o755)
    launcher = tmp_path / "launcher"
    launcher.write_text(f"#!/bin/sh\n{pip}\nsleep 1000\n")
    launcher.chmod(0o755)
    programs = service(fields="startup_grace=3").replace("{fakes} web {folder}/port", str(launcher))
    with Pod(programs) as pod, socket.create_server(("127.0.0.1", 0)) as silent:
        (pod.folder / "port").write_text(str(silent.getsockname()[1]))
        begin = time.monotonic()
        pid = pod.program("x")
        wait_until(lambda: time.monotonic() - begin > 5 or pod.restarts("x"), 12, "longer than a start may take")
        assert not pod.restarts("x")
        assert alive(pid)
        stop.touch()
        wait_until(lambda: pod.restarts("x"), 12, "replaced")
        assert pod.restarts("x")[-1]["kind"] == "startup"


def test_a_leak_is_replaced_with_its_reason() -> None:
    """More memory than the setting allows."""
    with Pod(service(fields="memory_limit=209715200")) as pod:
        client = Client(pod, "x")
        client.get("/leak?100")
        client.stays_up(2)
        client.get("/leak?150")
        assert "more than its 200 MiB" in client.replaced("memory")


def test_dead_prompt_worker_is_replaced() -> None:
    """SystemExit in a node: HTTP responds with 200, the item runs for ever, the worker's thread is gone."""
    with Pod(service("comfyui")) as pod:
        client = Client(pod, "comfyui")
        client.is_watched()
        client.get("/prompt", b"exit")
        client.get("/prompt", b"sleep 1")
        assert "its thread is gone" in client.replaced("worker")


def test_without_the_prober_a_dead_worker_is_not_replaced() -> None:
    """Negative control: HTTP is fine, nothing moves."""
    with Pod(service("comfyui", prober=False)) as pod:
        client = Client(pod, "comfyui")
        client.get("/prompt", b"exit")
        client.get("/prompt", b"sleep 0")
        wait_until(lambda: b'"queue_remaining": 2' in client.get("/prompt"), 5, "both are in the queue")
        stays(lambda: b'"queue_remaining": 2' in client.get("/prompt"), 3, "the queue moved")


def test_worker_that_crashed_between_two_items_is_replaced() -> None:
    """An exception outside a node: the log says so, and what waits is never taken."""
    with Pod(service("comfyui")) as pod:
        client = Client(pod, "comfyui")
        client.is_watched()
        client.get("/prompt", b"crash")
        assert "prompt worker is dead" in client.replaced("worker")


@pytest.mark.parametrize("step", [b"sleep 8", b"spin 8"])
def test_a_long_single_step_is_not_killed(step: bytes) -> None:
    """Five times `stuck` without any sign of progress, with and without CPU use, more work waiting."""
    with Pod(service("comfyui")) as pod:
        client = Client(pod, "comfyui")
        client.is_watched()
        client.get("/prompt", step)
        client.get("/prompt", b"sleep 0")
        client.stays_up(7.5)
        wait_until(lambda: b'"queue_remaining": 0' in client.get("/prompt"), 10, "the work is done")


def test_cuda_error_with_no_later_success_is_replaced() -> None:
    """The process lives and is useless: users ask for exactly this restart."""
    with Pod(service("comfyui")) as pod:
        client = Client(pod, "comfyui")
        client.is_watched()
        client.get("/prompt", b"cuda")
        client.get("/prompt", b"sleep 0")
        assert "CUDA error: an illegal memory access" in client.replaced("cuda")


def test_cuda_error_with_a_later_success_is_not_replaced() -> None:
    """It was not sticky."""
    with Pod(service("comfyui")) as pod:
        client = Client(pod, "comfyui")
        client.is_watched()
        client.get("/prompt", b"cuda-once")
        client.get("/prompt", b"sleep 0")
        client.stays_up(4)


def test_a_killed_prober_is_restarted_and_keeps_watching() -> None:
    """The services are not affected."""
    with Pod(service(), settings="stable_after=0\n") as pod:
        client = Client(pod, "x")
        client.is_watched()
        for _ in range(3):
            prober = pod.program("prober")
            os.kill(prober, signal.SIGKILL)
            pod.wait_replaced("prober", prober, 5)
        assert alive(client.pid)
        wait_until(lambda: " ".join(pod.lines("prober.log")).count("responds") >= 2, 5, "watched again")
        os.kill(client.pid, signal.SIGSTOP)
        client.replaced("hang")


def memory_cgroup(pod_limit: int) -> str | None:
    """A cgroup of version 1 or 2 with a limit, if this machine lets us make one."""
    for line in read("/proc/self/cgroup").decode().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            name, limit = f"/sys/fs/cgroup/memory{path}", "memory.limit_in_bytes"
        elif not controllers and os.path.exists("/sys/fs/cgroup/cgroup.subtree_control"):
            name, limit = f"/sys/fs/cgroup{path}", "memory.max"
        else:
            continue
        own = f"{name.rstrip('/')}/podkeeper-test-{os.getpid()}"
        try:
            os.mkdir(own)
            with open(f"{own}/{limit}", "w", encoding="ascii") as file:
                file.write(str(pod_limit))
        except OSError:
            continue
        return own
    return None


def test_oom_kill_is_recorded_as_such() -> None:
    """The kernel's OOM killer takes the service, not supervisord, and the record says so."""
    group = memory_cgroup(200 << 20)
    if group is None:
        pytest.skip("needs a memory cgroup we may create (root, cgroup mounted read-write)")
    join = ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    try:
        with Pod(service(prober=False), wrap=join) as pod:
            client = Client(pod, "x")
            with pytest.raises(OSError, match=r"closed|reset"):
                client.get("/leak?400")
            assert "out of memory" in client.replaced("oom")
            os.kill(pod.program("x"), signal.SIGKILL)  # negative control: not the OOM killer
            wait_until(lambda: len(pod.restarts("x")) == 2, 5, "the second end is recorded")
            assert pod.restarts("x")[-1]["kind"] == "signal"
            assert pod.process.poll() is None
    finally:
        wait_until(lambda: not read(f"{group}/cgroup.procs"), 5, "the cgroup is empty")
        os.rmdir(group)
