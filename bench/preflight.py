"""How much the check of the GPU adds to the first page: pods with and without `[program:gpu]`, in turn.

usage: scripts/bench preflight [ROUNDS]

Pods in local mode, with the fake ComfyUI. Its Python has the stand-in for torch, and nvidia-smi is a stand-in, too: the
program waits, looks and evaluates as it does on a GPU, but no GPU computes. Prints the seconds from the start to the
first 200 of JupyterLab and of ComfyUI through the door, when the check began, and what it took. Exit code 1: the first
page took more than TARGET_RATIO times as long with the program (medians), a check began before a service had
responded, or it took more than TARGET_S.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.ports import free_port, responds
from tests.support.checkout import ROOT
from tests.support.gpu_host import install_smi, make_python

TARGET_RATIO, TARGET_S = 1.05, 10.0
_LIMIT_S = 60
WITH = "with.conf"
_PORTS = ("JUPYTER", "COMFYUI", "STATUS", "JUPYTER_INTERNAL", "COMFYUI_INTERNAL", "STATUS_INTERNAL")
#: The entrypoint with another supervisord.conf.
START = """
import runpy, sys
from entrypoint.boot import exec_supervisord
exec_supervisord.SUPERVISORD_CONF = sys.argv.pop(1)
runpy.run_module("entrypoint", run_name="__main__", alter_sys=True)
"""


class Start(NamedTuple):
    """One start, in seconds from the process's start.

    Attributes:
        jupyter: The first 200 of JupyterLab, through the door.
        comfyui: The first 200 of ComfyUI, through the door.
        cpu: The pod's processor time until then: it hardly depends on what else the machine does.
        begins: When the check began; None: there is no program.
        takes: What the check took.
    """

    jupyter: float
    comfyui: float
    cpu: float
    begins: float | None
    takes: float | None


def configuration(folder: Path, *, program: bool) -> Path:
    """A copy of supervisord.conf, with or without the program `gpu`."""
    before, section, after = (ROOT / "supervisord.conf").read_text().partition("[program:gpu]\n")
    rest = after[after.index("\n[") :]
    path = folder / (WITH if program else "without.conf")
    path.write_text(before + section + after if program else before + rest)
    return path


def environ(folder: Path, tools: Path, ports: dict[str, int]) -> dict[str, str]:
    return {
        "PATH": f"{tools}/bin:{os.environ['PATH']}",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "PODKEEPER_HOME": str(folder / "pod"),
        **{f"{name}_PORT": str(port) for name, port in ports.items()},
        "COMFYUI_DIR": str(ROOT / "tests/support/fake_comfyui"),
        "COMFYUI_PYTHON": str(tools / "python/bin/python"),
        "COMFYUI_AUTH": "none",
        "JUPYTER_TOKEN": "bench-preflight-token",
        "MODELS": "none",
    }


def start(conf: Path, tools: Path) -> Start:
    """One start, to the end of its check."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ports = {each: free_port() for each in _PORTS}
        report = folder / "pod/run/reports/gpu.json"
        (folder / "pod").mkdir()
        began, clock = time.monotonic(), time.time()
        with (folder / "output.txt").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, str(conf)],
                env=environ(folder, tools, ports), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        try:
            found: dict[str, float] = {}
            while len(found) < 2:
                for service, path in (("JUPYTER", "/api"), ("COMFYUI", "/system_stats")):
                    if service not in found and responds(ports[service], path):
                        found[service] = time.monotonic() - began
                if process.poll() is not None or time.monotonic() - began > _LIMIT_S:
                    raise SystemExit(f"the pod did not come up: {(folder / 'output.txt').read_text()}")
                time.sleep(0.008)
            cpu = used(process.pid)
            check = ended(report, began) if conf.name == WITH else {}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        begins = float(check["at"]) - clock if check else None
        return Start(found["JUPYTER"], found["COMFYUI"], cpu, begins, float(check["seconds"]) if check else None)


def used(pid: int) -> float:
    """Processor seconds of a process, its descendants, and those of them that have ended."""
    seconds = 0.0
    for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds


def ended(report: Path, began: float) -> dict[str, float]:
    """The report of a check that has ended."""
    while time.monotonic() - began < _LIMIT_S:
        with contextlib.suppress(OSError, ValueError):
            content = json.loads(report.read_text())
            if "disk" in content:
                return dict(content)
        time.sleep(0.05)
    raise SystemExit(f"the check did not end within {_LIMIT_S} s: {report}")


def line(name: str, values: list[float]) -> str:
    return f"  {name:<40} min {min(values):.2f} s  median {statistics.median(values):.2f} s  max {max(values):.2f} s"


def main() -> int:
    """Measure; returns the exit code."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        tools = Path(name)
        make_python(tools / "python")
        install_smi(tools / "bin")
        confs = [configuration(tools, program=program) for program in (True, False)]
        for conf in confs:  # not counted: the disk's cache is cold
            start(conf, tools)
        runs: list[list[Start]] = [[], []]
        for turn in range(rounds):
            for arm in (0, 1) if turn % 2 else (1, 0):
                runs[arm].append(start(confs[arm], tools))
    with_program, without = runs
    ratio = statistics.median(each.jupyter for each in with_program) / statistics.median(
        each.jupyter for each in without
    )
    first = [begins - max(each.jupyter, each.comfyui) for each in with_program if (begins := each.begins) is not None]
    takes = [each.takes for each in with_program if each.takes is not None]
    print(f"{rounds} rounds in turn, from the start to the first 200")
    for service in ("jupyter", "comfyui"):
        print(line(f"{service}, with the check", [getattr(each, service) for each in with_program]))
        print(line(f"{service}, without", [getattr(each, service) for each in without]))
    for name, runs_of in (("processor time, with the check", with_program), ("processor time, without", without)):
        print(line(name, [each.cpu for each in runs_of]))
    print(f"  ratio of JupyterLab's medians {ratio:.3f} (target <= {TARGET_RATIO})")
    print(line("the check begins after the last response", first) + " (target > 0)")
    print(line("the check takes, without a GPU", takes) + f" (target <= {TARGET_S:.0f})")
    return int(ratio > TARGET_RATIO or min(first) <= 0 or max(takes) > TARGET_S)


if __name__ == "__main__":
    sys.exit(main())
