"""`scripts/bench volume_latency`: JupyterLab's response times while the deep pass runs beside it.

Times GET /api of a real JupyterLab, first alone, then while `python -m entrypoint.volumes` (as supervisord runs
it: niced) makes `--files` wrong files right; stops the pass in the middle and starts it again.
"""

import argparse
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench import volume_trees as tree
from bench.ports import free_port

REPOSITORY = pathlib.Path(__file__).parents[1]


def response_ms(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=30) as response:
        response.read()
    return (time.perf_counter() - began) * 1000


def sample(url: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    times = []
    while time.monotonic() < deadline:
        times.append(response_ms(url))
        time.sleep(0.05)
    times.sort()
    return (
        f"p50 {statistics.median(times):.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms, "
        f"max {times[-1]:.1f} ms ({len(times)} requests)"
    )


def start_jupyter(work: pathlib.Path, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"),
            *("--ServerApp.port_retries=0", "--IdentityProvider.token=bench", f"--ServerApp.root_dir={work}"),
        ],
        env={**os.environ, "HOME": str(work)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def start_pass(work: pathlib.Path) -> "subprocess.Popen[str]":
    paths = {"DATA": "tree", "STORED": "tree", "LOG": "", "HOME": "", "RUNTIME": "run"}
    environ = {f"PODKEEPER_{name}_PATH": str(work / path) for name, path in paths.items()}
    environ |= {
        "PODKEEPER_VOLUME_PATH": "",
        "PODKEEPER_PYTHON_PATH": sys.executable,
        "VOLUME_POLICY": "shared",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "entrypoint.volumes"],
        env={**os.environ, **environ},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def measure(work: pathlib.Path, files: int) -> None:
    (work / "run").mkdir()
    print(f"{tree.make(work / 'tree', files)} inodes, all wrong", flush=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    jupyter = start_jupyter(work, port)
    try:
        while True:
            try:
                response_ms(url)
                break
            except OSError:
                time.sleep(0.2)
        print(f"alone: {sample(url, 4)}", flush=True)
        first = start_pass(work)
        print(f"beside the pass: {sample(url, 4)}", flush=True)
        first.send_signal(signal.SIGTERM)
        began = time.monotonic()
        output = first.communicate()[0]
        print(f"stopped in {time.monotonic() - began:.2f} s: {output.splitlines()[-1]}", flush=True)
        second = start_pass(work)
        while second.poll() is None:
            print(f"beside the second: {sample(url, 4)}", flush=True)
        print(second.communicate()[0].splitlines()[-1], flush=True)
    finally:
        os.killpg(jupyter.pid, signal.SIGTERM)
        jupyter.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--folder", type=pathlib.Path, help="where the tree is made (and removed)")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-volumes-", dir=options.folder))
    try:
        measure(work, options.files)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
