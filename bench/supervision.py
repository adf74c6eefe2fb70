"""Supervision: ours, stock supervisord, s6, runit and tini, side by side in one run.

usage: scripts/bench supervision [ROUNDS]

Two programs that only sleep. They report their start through a FIFO, so the bench does not poll.
restart: SIGKILL of one program -> it runs again, after it was up for at least 1.2 s (s6 and runit hold back
faster ones). first spawn: exec of the supervisor -> the first program runs. stop: the stop signal -> the supervisor
has ended and both programs are gone. CPU and RSS: of the supervisor's own processes while nothing happens.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.ports import free_port

ROOT = Path(__file__).parent.parent
RESTARTS, UP_FOR, IDLE = 3, 1.2, 20.0
TARGETS = {"restart": 0.05, "first spawn": 0.25, "stop": 0.2}
TARGET_P90_MS, TARGET_RSS_MIB, TARGET_CPU = 100.0, 60.0, 0.1

CONF = """
[supervisord]
nodaemon=true
silent=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[unix_http_server]
file={folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
PLUGIN = """
[rpcinterface:podkeeper]
supervisor.rpcinterface_factory = entrypoint.supervision.plugin:make_rpcinterface
runtime={folder}
stable_after=0
"""


class Supervisor(NamedTuple):
    """How to run two programs under one of them. `stop` is the signal that ends it and them."""

    name: str
    command: Callable[[Path, list[str]], list[str]]
    stop: int
    restarts: bool = True


def supervisord(conf: str) -> Callable[[Path, list[str]], list[str]]:
    def command(folder: Path, programs: list[str]) -> list[str]:
        blocks = [
            f"[program:p{n}]\ncommand={program}\nautorestart=true\nstartsecs=1\n" for n, program in enumerate(programs)
        ]
        (folder / "s.conf").write_text((conf + "\n".join(blocks)).format(folder=folder))
        return [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(folder / "s.conf")]

    return command


def run_scripts(folder: Path, programs: list[str]) -> str:
    for n, program in enumerate(programs):
        service = folder / "services" / f"p{n}"
        service.mkdir(parents=True)
        (service / "run").write_text(f"#!/bin/sh\nexec {program}\n")
        (service / "run").chmod(0o755)
    return str(folder / "services")


SUPERVISORS = (
    Supervisor("ours", supervisord(CONF + PLUGIN), signal.SIGTERM),
    Supervisor("stock supervisord", supervisord(CONF), signal.SIGTERM),
    Supervisor("s6", lambda f, p: ["s6-svscan", run_scripts(f, p)], signal.SIGTERM),
    Supervisor("runit", lambda f, p: ["runsvdir", run_scripts(f, p)], signal.SIGHUP),
    Supervisor(
        "tini",
        lambda f, p: ["tini", "-g", "--", "sh", "-c", f"{p[0]} & {p[1]} & wait"],
        signal.SIGTERM,
        False,
    ),
)


class Run:
    """One run of one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        os.mkfifo(self.folder / "up")
        self.fifo = os.open(self.folder / "up", os.O_RDWR | os.O_NONBLOCK)
        script = self.folder / "program"
        script.write_text(f"#!/bin/sh\necho $1 $$ > {self.folder}/up\nexec sleep 1000\n")
        script.chmod(0o755)
        command = supervisor.command(self.folder, [f"{script} p{n}" for n in range(2)])
        self.pids: dict[str, int] = {}
        self.begin = time.monotonic()
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def next_up(self, timeout: float = 15) -> float:
        """Wait until a program reports its start; returns the time."""
        if not select.select([self.fifo], [], [], timeout)[0]:
            raise TimeoutError(self.supervisor.name)
        now = time.monotonic()
        for line in os.read(self.fifo, 4096).decode().splitlines():
            name, pid = line.split()
            self.pids[name] = int(pid)
        return now

    def first_spawn(self) -> float:
        first = self.next_up()
        while len(self.pids) < 2:
            self.next_up()
        return first - self.begin

    def restart(self) -> float:
        time.sleep(UP_FOR + random.random())  # any phase of a supervisor that polls
        begin = time.monotonic()
        os.kill(self.pids["p0"], signal.SIGKILL)
        return self.next_up() - begin

    def stop(self) -> float:
        begin = time.monotonic()
        self.process.send_signal(self.supervisor.stop)
        self.process.wait(30)
        while any(Path(f"/proc/{pid}").exists() for pid in self.pids.values()):
            time.sleep(0.0005)
        seconds = time.monotonic() - begin
        os.close(self.fifo)
        shutil.rmtree(self.folder, ignore_errors=True)  # runsv may still write its last status
        return seconds

    def own(self, programs: tuple[str, ...] = ("sleep",)) -> list[int]:
        """The supervisor's own processes: everything in its tree but the programs."""
        todo, found = [self.process.pid], []
        while todo:
            pid = todo.pop()
            todo += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            if Path(f"/proc/{pid}/comm").read_text().strip() not in programs:
                found.append(pid)
        return found


def cpu_seconds(pids: list[int]) -> float:
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def rss_mib(pids: list[int]) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def idle(pids: list[int], seconds: float) -> float:
    """CPU use in percent of one core."""
    before = cpu_seconds(pids)
    time.sleep(seconds)
    return (cpu_seconds(pids) - before) / seconds * 100


def measure(supervisor: Supervisor, samples: dict[str, list[float]], with_idle: bool) -> None:
    run = Run(supervisor)
    samples["first spawn"].append(run.first_spawn())
    for _ in range(RESTARTS if supervisor.restarts else 0):
        samples["restart"].append(run.restart())
    if with_idle:
        time.sleep(2)
        own = run.own()
        samples["rss"].append(rss_mib(own))
        samples["cpu"].append(idle(own, IDLE))
    samples["stop"].append(run.stop())


def whole_pod() -> tuple[float, float]:
    """Idle CPU (%) and RSS (MiB) of supervisord, prober and log forwarder together, as supervisord.conf has them."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    fakes = ROOT / "tests/support/supervision/fakes.py"
    conf = CONF + PLUGIN
    ports = {}
    for name, kind in (("jupyter", "web"), ("comfyui", "comfyui")):
        ports[name] = free_port()
        (folder / f"port-{name}").write_text(str(ports[name]))
        conf += f"[program:{name}]\ncommand={sys.executable} -I {fakes} {kind} {{folder}}/port-{name}\n"
    for name, module in (("logs", "log_forwarder"), ("prober", "prober")):
        conf += f"[program:{name}]\ncommand={sys.executable} -I -m entrypoint.supervision.{module}\n"
    (folder / "s.conf").write_text(conf.format(folder=folder))
    places = ("DATA", "STORED", "VOLUME", "LOG", "HOME", "RUNTIME", "PYTHON")
    environ = os.environ | {f"PODKEEPER_{place}_PATH": str(folder) for place in places}
    environ |= {"JUPYTER_PORT": str(ports["jupyter"]), "COMFYUI_INTERNAL_PORT": str(ports["comfyui"])}
    command = [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(folder / "s.conf")]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(15)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        own = [process.pid, *(pid for pid, line in lines.items() if b"entrypoint.supervision" in line)]
        if len(own) != 3:
            raise RuntimeError(f"expected supervisord, prober and logs, found {lines}")
        return idle(own, IDLE * 3), rss_mib(own)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def p90(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.9)]


def report(results: dict[str, dict[str, list[float]]]) -> bool:
    stock = results["stock supervisord"]
    print(f"{'':20}{'restart ms':>22}{'p90':>8}{'first spawn ms':>22}{'stop ms':>20}{'CPU %':>9}{'RSS MiB':>9}")
    for name, samples in results.items():
        row = f"{name:20}"
        for metric, width in (("restart", 22), ("first spawn", 22), ("stop", 20)):
            values = samples[metric]
            if not values:
                row += f"{'-':>{width}}" + (f"{'-':>8}" if metric == "restart" else "")
                continue
            median = statistics.median(values)
            row += f"{f'{median * 1000:.1f} ({median / statistics.median(stock[metric]):.3f})':>{width}}"
            row += f"{p90(values) * 1000:>8.1f}" if metric == "restart" else ""
        print(row + f"{samples['cpu'][0]:>9.3f}{samples['rss'][0]:>9.1f}")
    ours = results["ours"]
    met = p90(ours["restart"]) * 1000 <= TARGET_P90_MS
    for metric, target in TARGETS.items():
        ratio = statistics.median(ours[metric]) / statistics.median(stock[metric])
        print(f"{metric}: {ratio:.3f} x stock, target <= {target}: {'met' if ratio <= target else 'MISSED'}")
        met = met and ratio <= target
    print(f"restart p90: {p90(ours['restart']) * 1000:.1f} ms, target <= {TARGET_P90_MS:.0f} ms")
    return met


def main(rounds: int) -> int:
    metrics = ("restart", "first spawn", "stop", "cpu", "rss")
    results: dict[str, dict[str, list[float]]] = {s.name: {m: [] for m in metrics} for s in SUPERVISORS}
    for number in range(rounds):
        for supervisor in SUPERVISORS:
            measure(supervisor, results[supervisor.name], with_idle=number == 0)
    met = report(results)
    cpu, rss = whole_pod()
    print(
        f"supervisord + prober + logs, idle: {cpu:.3f} % CPU (target <= {TARGET_CPU}), "
        f"{rss:.1f} MiB RSS (target <= {TARGET_RSS_MIB:.0f})"
    )
    return 0 if met and cpu <= TARGET_CPU and rss <= TARGET_RSS_MIB else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
