"""What the status server costs, and whether it stays quick while many follow.

usage: scripts/bench status [CLIENTS] [SECONDS]

One server, of a pod whose JupyterLab is switched off, in three states: nobody follows (idle CPU, RSS), then CLIENTS
(200) follow /events for SECONDS (60) while /healthz is asked 10 times a second over new connections. Beside it, for
scale, the same /healthz questions to the same server while nobody follows.

usage: scripts/bench status --meter [SECONDS]

What the meter costs in a whole idle pod with IDLE_STOP: its own CPU time, and that of JupyterLab and the stand-in for
ComfyUI beyond what they use without it; each over SECONDS (60), in two pods, one after the other.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.ports import free_port
from tests.support.pod import Pod, environ_for, running

TOKEN = "bench-status-token"  # noqa: S105 - of a pod that lives a minute
IDLE_SECONDS = 30.0
TARGETS = {"rss": 60.0, "idle": 0.3, "p99": 50.0, "meter": 0.05}


class Follower:
    """One client of /events: counts what it hears, and whether it was cut off."""

    def __init__(self, port: int) -> None:
        self.port, self.heard, self.bytes, self.dropped = port, 0, 0, False

    async def run(self, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET /events?token={TOKEN} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        while (left := until - time.monotonic()) > 0:
            try:
                chunk = await asyncio.wait_for(reader.read(65536), left)
            except TimeoutError:
                break
            if not chunk:
                self.dropped = True
                break
            self.bytes += len(chunk)
            self.heard += chunk.count(b"event: patch")
        writer.close()


async def healthz(port: int) -> float:
    """Milliseconds for one answer over a new connection."""
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b" 200 " in answer[:20], answer
    return (time.perf_counter() - begin) * 1000


async def probe(port: int, seconds: float) -> list[float]:
    """Ten questions a second."""
    found, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        found.append(await healthz(port))
        await asyncio.sleep(0.1)
    return found


async def follow(port: int, clients: int, seconds: float) -> list[tuple[int, bool]]:
    """Everybody follows; patches heard and whether it was cut off, each."""
    followers = [Follower(port) for _ in range(clients)]
    until = time.monotonic() + seconds
    await asyncio.gather(*(follower.run(until) for follower in followers))
    return [(follower.heard, follower.dropped) for follower in followers]


def crowd(port: int, clients: int, seconds: float) -> tuple[list[tuple[int, bool]], list[float]]:
    """The followers are a process of their own: what they cost must not look like the server's slowness."""
    command = [sys.executable, __file__, "--follow", str(port), str(clients), str(seconds + 5)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        time.sleep(4)  # all are connected; a window, nothing waits for it
        times = asyncio.run(probe(port, seconds))
        heard, _ = process.communicate(timeout=60)
    return json.loads(heard), times


def percent(process: psutil.Process, seconds: float) -> float:
    """Of one core, over a while of doing nothing here."""
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return 100 * (sum(process.cpu_times()[:2]) - before) / seconds


def line(name: str, times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"{name:<34}{cuts[49]:8.1f}{cuts[98]:8.1f}{max(times):8.1f}   ms  ({len(times)} answers)"


def measure(port: int, pod: subprocess.Popen[bytes], clients: int, seconds: float) -> int:
    wait_for(port)
    server = next(each for each in psutil.Process(pod.pid).children() if "entrypoint.status" in each.cmdline())
    time.sleep(10)  # the start is over
    idle = percent(server, IDLE_SECONDS)
    rss_idle = server.memory_info().rss / 2**20
    alone = asyncio.run(probe(port, min(seconds, 15)))
    before = sum(server.cpu_times()[:2])
    followers, times = crowd(port, clients, seconds)
    busy = 100 * (sum(server.cpu_times()[:2]) - before) / (seconds + 5)
    rss = server.memory_info().rss / 2**20
    dropped = sum(cut for _, cut in followers)
    heard = [patches for patches, _ in followers]
    p99 = statistics.quantiles(times, n=100)[98]
    print(f"{'/healthz':<34}{'p50':>8}{'p99':>8}{'max':>8}")
    print(line("nobody follows", alone))
    print(line(f"{clients} follow", times))
    print(f"patches heard in {seconds + 5:.0f} s: {min(heard)} to {max(heard)} each; dropped: {dropped}")
    print(f"RSS: {rss_idle:.1f} MiB idle, {rss:.1f} MiB after the crowd (target {TARGETS['rss']:.0f})")
    print(f"CPU: {idle:.2f} % idle (target {TARGETS['idle']}), {busy:.1f} % with {clients} followers")
    good = rss <= TARGETS["rss"] and idle <= TARGETS["idle"] and p99 <= TARGETS["p99"] and not dropped
    print("all targets met" if good else "A TARGET IS MISSED")
    return 0 if good else 1


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            asyncio.run(healthz(port))
        except (OSError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def meter(seconds: float) -> int:
    """The CPU time of the meter, and of what it asks."""
    found = {}
    for name, more in (("without", {}), ("with", {"IDLE_STOP": "8h"})):
        with tempfile.TemporaryDirectory(prefix="podkeeper-bench-") as folder, running(Path(folder) / "pod", more | {
            "COMFYUI_ENABLED": "true", **environ_for(Path(folder))}) as pod:  # fmt: skip
            pod.wait_for_jupyter()
            time.sleep(25)  # the start is over: nothing waits for this
            before = cpu_times(pod)
            time.sleep(seconds)
            after = cpu_times(pod)
            found[name] = {key: 100 * (after[key] - before.get(key, 0.0)) / seconds for key in after}
            rss = next((each.memory_info().rss for each in pod.family() if "entrypoint.meter" in each.cmdline()), 0)
    own = found["with"]["meter"]
    caused = sum(max(0.0, found["with"][key] - found["without"][key]) for key in ("jupyter", "comfyui"))
    print(f"meter: {own:.3f} % of a core by itself, {caused:.3f} % in what it asks (target {TARGETS['meter']})")
    print(f"RSS: {rss / 2**20:.1f} MiB")
    return 0 if own + caused <= TARGETS["meter"] else 1


def cpu_times(pod: Pod) -> dict[str, float]:
    """CPU seconds by the kernel's scheduler, in nanoseconds there: utime and stime have steps of 10 ms."""
    names = {"entrypoint.meter": "meter", "entrypoint.jupyter": "jupyter", "--port": "comfyui"}
    times = {}
    for each in pod.family():
        name = next((names[word] for word in each.cmdline() if word in names), "")
        if name:
            tasks = Path(f"/proc/{each.pid}/task").iterdir()
            times[name] = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    return times


def main() -> int:
    if sys.argv[1:2] == ["--meter"]:
        return meter(float((sys.argv[2:] or ["60"])[0]))
    if sys.argv[1:2] == ["--follow"]:
        followed, how_many, how_long = sys.argv[2:]
        print(json.dumps(asyncio.run(follow(int(followed), int(how_many), float(how_long)))))
        return 0
    clients, seconds = (int(sys.argv[1:][0]) if sys.argv[1:] else 200), float((sys.argv[2:] or ["60"])[0])
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="podkeeper-bench-") as folder:
        environ = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PODKEEPER_HOME": f"{folder}/pod", "STATUS_PORT": str(port),
            "JUPYTER_PORT": str(free_port()), "COMFYUI_PORT": str(free_port()), "COMFYUI_ENABLED": "false",
            "JUPYTER_ENABLED": "false", "JUPYTER_TOKEN": TOKEN,
        }  # fmt: skip
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pod = subprocess.Popen([sys.executable, "-I", "-m", "entrypoint"], env=environ, **quiet)  # type: ignore[call-overload]
        try:
            return measure(port, pod, clients, seconds)
        finally:
            pod.terminate()
            pod.wait(20)


if __name__ == "__main__":
    sys.exit(main())
