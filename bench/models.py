"""Downloads: ours against curl and aria2c, side by side in one run.

usage: scripts/bench models [MIB] [RUNS]     default 512 MiB, 3 runs; every figure is a ratio to curl's median

One file from nginx on this machine, which takes processor time from all of them alike; then with 20 MB/s a
connection. Ours writes a journal, hashes with sha256, syncs and renames; the others do none of that.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from ports import free_port  # noqa: E402

from tests.waiting import wait_until  # noqa: E402

NAMES = ("curl", "aria2c x8", "aria2c x16", "ours, with sha256")
NGINX = """daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log;
events {{}}
http {{ access_log off; sendfile on; client_body_temp_path {root}/t1; proxy_temp_path {root}/t2;
  fastcgi_temp_path {root}/t3; uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen unix:{root}/unused; listen 127.0.0.1:{fast}; root {root}/www; }}
  server {{ listen 127.0.0.1:{slow}; root {root}/www; limit_rate 20000000; }} }}
"""


def ours(url: str, out: Path, digest: str) -> list[str]:
    """`python -m entrypoint.models fetch` with a manifest of one file."""
    data = out / "pod/comfyui"
    data.mkdir(parents=True)
    (out / "pod/run").mkdir()
    (data / "models.toml").write_text(
        f'schema = 1\n[bundles.B]\n[[files]]\nbundle = "B"\nsource = "url"\nurl = "{url}"\n'
        f'dest = "f"\nsha256 = "{digest}"\n'
    )
    places = {"data": data, "stored": data, "volume": "", "log": out, "home": out, "runtime": out / "pod/run"}
    environ = [f"PODKEEPER_{name.upper()}_PATH={place}" for name, place in places.items()]
    python = f"PODKEEPER_PYTHON_PATH={sys.executable}"
    return ["env", *environ, python, sys.executable, "-m", "entrypoint.models", "fetch"]


def commands(url: str, out: Path, digest: str) -> dict[str, list[str]]:
    """Name -> command that leaves `size` bytes somewhere below `out`."""
    aria = ["aria2c", "-q", "--file-allocation=none", "-d", str(out), "-k1M"]
    return {
        "curl": ["curl", "-sfo", str(out / "f"), url],
        "aria2c x8": [*aria, "-x8", "-s8", url],
        "aria2c x16": [*aria, "-x16", "-s16", url],
        "ours, with sha256": ours(url, out, digest),
    }


def measure(root: Path, name: str, url: str, digest: str, size: int) -> tuple[float, float, int]:
    """(wall s, CPU s, peak RSS MiB) of one run."""
    out = Path(tempfile.mkdtemp(dir=root))
    command = commands(url, out, digest)[name]
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (name, child.returncode)
    assert max(path.stat().st_size for path in out.rglob("*") if path.is_file()) == size
    shutil.rmtree(out)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss >> 10


def serve(root: Path, fast: int, slow: int) -> subprocess.Popen[bytes]:
    """nginx on both ports."""
    (root / "nginx.conf").write_text(NGINX.format(root=root, fast=fast, slow=slow))
    nginx = subprocess.Popen(["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")])
    wait_until(lambda: (root / "nginx.pid").exists(), 10, "nginx is up")
    return nginx


def table(root: Path, title: str, port: int, digest: str, size: int, runs: int) -> None:
    """Measure everybody in turn and print ratios."""
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in NAMES}
    for _ in range(runs):
        for name in NAMES:
            found[name].append(measure(root, name, f"http://127.0.0.1:{port}/f", digest, size))
    base = statistics.median(wall for wall, _, _ in found["curl"])
    print(f"\n{title}: {size >> 20} MiB, median of {runs}")
    for name, rows in found.items():
        wall = statistics.median(row[0] for row in rows)
        cpu = statistics.median(row[1] for row in rows)
        print(
            f"  {name:<18} {wall:6.2f} s  {wall / base:5.2f} x curl  cpu {cpu:5.2f} s  "
            f"rss {max(row[2] for row in rows)} MiB"
        )


def main() -> None:
    """Both tables."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 512) << 20
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "www").mkdir()
        block = os.urandom(1 << 20)
        with (root / "www/f").open("wb") as file:
            for _ in range(size >> 20):
                file.write(block)
        with (root / "www/f").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        fast, slow = free_port(), free_port()
        nginx = serve(root, fast, slow)
        try:
            table(root, "unthrottled", fast, digest, size, runs)
            table(root, "20 MB/s a connection", slow, digest, size, 1)
        finally:
            nginx.terminate()
            nginx.wait()


main()
