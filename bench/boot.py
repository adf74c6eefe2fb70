"""How long until the first page: our entrypoint against bare `jupyter lab`, side by side in one run.

usage: scripts/bench boot [ROUNDS]

`stock` is `jupyter lab` as `pip install jupyterlab` makes it (same versions), with the same settings; ours is asked
through the door. Both start with compiled bytecode and warm disk caches (one round each is not counted).
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from bench.ports import free_port, responds
from entrypoint.jupyter.lab_config import config_text
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

ROOT = Path(__file__).parent.parent
STOCK = ROOT / ".podkeeper" / "bench-stock"
TARGET_RATIO, TARGET_CPU = 0.5, 0.15


def stock_environment() -> Path:
    """A stock install of the very same JupyterLab, made once."""
    jupyter = STOCK / "bin" / "jupyter"
    if not jupyter.exists():
        subprocess.run([sys.executable, "-m", "venv", STOCK], check=True)
        wanted = [f"{name}=={version(name)}" for name in ("jupyterlab", "jupyter-server", "jupyter-events")]
        subprocess.run([STOCK / "bin" / "pip", "install", "-q", *wanted], check=True)
    return jupyter


def base_environ(folder: Path, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    return kept | {
        "PODKEEPER_HOME": str(folder),
        "JUPYTER_PORT": str(port),
        "COMFYUI_PORT": str(free_port()),
        "STATUS_PORT": str(free_port()),
        "JUPYTER_INTERNAL_PORT": str(free_port()),
        "COMFYUI_INTERNAL_PORT": str(free_port()),
        "STATUS_INTERNAL_PORT": str(free_port()),
        "COMFYUI_ENABLED": "false",
        "JUPYTER_TOKEN": "bench-boot-token",
    }


def ours(folder: Path) -> tuple[list[str], dict[str, str], int]:
    port = free_port()
    return [sys.executable, "-I", "-m", "entrypoint"], base_environ(folder, port), port


def stock(folder: Path) -> tuple[list[str], dict[str, str], int]:
    port = free_port()
    environ = base_environ(folder, port) | {"JUPYTER_INTERNAL_PORT": str(port)}  # no door
    settings = Settings.from_environ(environ)
    facts = Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python=sys.executable)  # noqa: S108
    paths = locate(settings, facts)
    text = re.sub(
        r"(?m)^.*(entrypoint|load_user_config|cookie).*\n",
        "",
        config_text(settings, paths),
    )
    config = Path(paths.jupyter_config_folder)
    config.mkdir(parents=True)
    (config / "jupyter_lab_config.py").write_text(text)
    Path(paths.data).mkdir()
    return [str(stock_environment()), "lab"], environ | {"HOME": paths.home}, port


def first_answer(make: Callable[[Path], tuple[list[str], dict[str, str], int]]) -> tuple[float, float | None]:
    """Seconds from exec to the first 200 on /api, and our own CPU seconds until the exec of supervisord."""
    with tempfile.TemporaryDirectory() as folder:
        command, environ, port = make(Path(folder))
        started = time.monotonic()
        with open(os.devnull, "w") as null:
            process = subprocess.Popen(command, env=environ, stdout=null, stderr=null, start_new_session=True)
        cpu = cpu_until_exec(process.pid) if "entrypoint" in command else None
        while not responds(port, "/api"):
            if process.poll() is not None or time.monotonic() - started > 60:
                raise SystemExit(f"{command} did not come up")
            time.sleep(0.008)
        seconds = time.monotonic() - started
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        return seconds, cpu


def cpu_until_exec(pid: int) -> float:
    """CPU time of the process at the moment it becomes supervisord (/proc/<pid>/schedstat counts nanoseconds)."""
    while True:
        used = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        if b"supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return used
        time.sleep(0.0005)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    stock_environment()
    first_answer(ours), first_answer(stock)
    pairs = [(first_answer(ours), first_answer(stock)) for _ in range(rounds)]
    mine, theirs = [pair[0][0] for pair in pairs], [pair[1][0] for pair in pairs]
    ratio = statistics.median(mine) / statistics.median(theirs)
    cpu = statistics.median([pair[0][1] or 0.0 for pair in pairs])
    print(f"JupyterLab {version('jupyterlab')}, {rounds} rounds in turn, start to first 200 on /api")
    for name, values in (
        ("podkeeper (entrypoint + supervisord + JupyterLab)", mine),
        ("stock jupyter lab", theirs),
    ):
        print(
            f"  {name:<50} min {min(values):.2f} s  median {statistics.median(values):.2f} s  max {max(values):.2f} s"
        )
    print(f"  ratio of medians {ratio:.2f} (target <= {TARGET_RATIO})")
    print(f"  our own share, start to exec of supervisord: {cpu:.3f} s CPU (target <= {TARGET_CPU})")
    sys.exit(ratio > TARGET_RATIO or cpu > TARGET_CPU)


main()
