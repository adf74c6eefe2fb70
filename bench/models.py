"""Downloads: ours against curl, aria2c and huggingface_hub, side by side in one run.

usage: scripts/bench models [MIB] [RUNS]     default 1024 MiB, 7 runs

One file from nginx on this machine, which takes processor time from all of them alike, over http. Then over https, as
models really come, with no target: nginx encrypts on the same processors, a quarter of all there is to do on two of
them, which an origin elsewhere would not; it hits hardest who uses both. Then at most 1 GiB from a server that paces
each connection at 20 MB/s (SO_MAX_PACING_RATE), as content networks do.

Everything is in memory (/dev/shm, or TMPDIR), so that the disk limits nobody; it needs four times the file's size. Ours
writes a journal, hashes with sha256, syncs and renames; the others do none of that. curl's own time wanders between 0.6
and 1.4 s a GiB where machines are shared, within minutes: so ours runs right after it, a ratio is the median of the
rounds' own, and the least is shown as well.
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

from bench.paced import Paced
from tests.support.nginx import running_nginx
from tests.support.ports import free_port

OURS = "ours, with sha256"
NAMES = ("curl", OURS, "aria2c x8", "aria2c x16", "huggingface_hub")
PACE = 20_000_000
MOST_OF_CURL, MOST_RSS = 1.25, 64
HUB = Path(__file__).parents[1] / ".podkeeper/bench-hub"
GET = "import sys, huggingface_hub.file_download as f; f.http_get(sys.argv[1], open(sys.argv[2], 'wb'))"
SITE = """sendfile on; server {{ listen 127.0.0.1:{http}; root {root}/www; }}
  server {{ listen 127.0.0.1:{https} ssl; root {root}/www; }}"""


def hub_python() -> Path:
    """An environment with huggingface_hub, made once."""
    if not (HUB / "bin/hf").exists():
        subprocess.run([sys.executable, "-m", "venv", HUB], check=True)
        subprocess.run([HUB / "bin/pip", "install", "-q", "huggingface_hub"], check=True)
    return HUB / "bin/python"


def ours(url: str, out: Path, digest: str) -> list[str]:
    """`python -m entrypoint.commands.models fetch` with a manifest of one file."""
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
    return ["env", *environ, python, sys.executable, "-m", "entrypoint.commands.models", "fetch"]


def commands(url: str, out: Path, digest: str) -> dict[str, list[str]]:
    """Name -> command that leaves the file somewhere below `out`."""
    aria = ["aria2c", "-q", "--file-allocation=none", "-d", str(out), "-k1M"]
    trust = os.environ.get("SSL_CERT_FILE")  # the others look there by themselves
    if trust:
        aria.append(f"--ca-certificate={trust}")
    return {
        "curl": ["curl", "-sfo", str(out / "f"), *(["--cacert", trust] if trust else []), url],
        "aria2c x8": [*aria, "-x8", "-s8", url],
        "aria2c x16": [*aria, "-x16", "-s16", url],
        "huggingface_hub": [str(hub_python()), "-c", GET, url, str(out / "f")],
        OURS: ours(url, out, digest),
    }


#: Touches so much memory and frees it. A virtual machine's host takes back what is free, and a program that is handed
#: it again pays for that: as much as for all of its own work, and some pay while others don't.
HAVE_MEMORY = """import mmap, sys
block = bytes(1 << 20)
with mmap.mmap(-1, int(sys.argv[1])) as memory:
    for at in range(0, len(memory), len(block)):
        memory[at : at + len(block)] = block
"""


def measure(root: Path, name: str, url: str, digest: str, size: int) -> tuple[float, float, int]:
    """(wall s, CPU s, peak RSS MiB) of one run."""
    subprocess.run([sys.executable, "-c", HAVE_MEMORY, str(2 * size)], check=True)
    out = Path(tempfile.mkdtemp(dir=root))
    command = commands(url, out, digest)[name]
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (name, child.returncode)
    assert max(path.stat().st_size for path in out.rglob("*") if path.is_file()) == size
    shutil.rmtree(out)
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss >> 10


def table(root: Path, title: str, url: str, digest: str, size: int, runs: int) -> dict[str, float]:
    """Measure everybody in turn, print times and ratios to curl's of the same round, and return the ratios."""
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in NAMES}
    for _ in range(runs):
        for name in NAMES:
            found[name].append(measure(root, name, url, digest, size))
    ratios = {
        name: statistics.median(row[0] / curl[0] for row, curl in zip(rows, found["curl"], strict=True))
        for name, rows in found.items()
    }
    print(f"\n{title}: {size >> 20} MiB, median (least) of {runs}; load {os.getloadavg()[0]:.1f}")
    for name, rows in found.items():
        wall, cpu = (statistics.median(row[which] for row in rows) for which in (0, 1))
        print(
            f"  {name:<18} {wall:6.2f} s ({min(row[0] for row in rows):5.2f})  {ratios[name]:5.2f} x curl  "
            f"cpu {cpu:5.2f} s  rss {max(row[2] for row in rows)} MiB"
        )
    rss = max(row[2] for row in found[OURS])
    print(f"  rss: target {MOST_RSS}: {'met' if rss <= MOST_RSS else 'MISSED'}")
    return ratios


def made(path: Path, size: int) -> str:
    """Random bytes there; their sha256."""
    digest, block = hashlib.sha256(), os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def unthrottled(root: Path, size: int, runs: int) -> None:
    """From nginx."""
    digest, http, https = made(root / "www/f", size), free_port(), free_port()
    with running_nginx(root / "nginx", https, SITE.format(http=http, https=https, root=root)) as certificate:
        os.environ["SSL_CERT_FILE"] = str(certificate)
        ratio = table(root, "unthrottled", f"http://127.0.0.1:{http}/f", digest, size, runs)[OURS]
        print(f"  target {MOST_OF_CURL} x curl: {'met' if ratio <= MOST_OF_CURL else 'MISSED'}")
        table(root, "unthrottled, https", f"https://127.0.0.1:{https}/f", digest, size, runs)
    (root / "www/f").unlink()


def throttled(root: Path, size: int) -> None:
    """From a server that paces each connection."""
    digest = made(root / "www/f", size)
    with Paced(root / "www/f", PACE) as paced:
        ratios = table(root, "20 MB/s a connection", f"http://127.0.0.1:{paced.port}/f", digest, size, 1)
    met = ratios[OURS] <= ratios["aria2c x16"]
    print(f"  target: at least as fast as aria2c x16: {'met' if met else 'MISSED'}")


def main() -> None:
    """All tables."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1024) << 20
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    hub_python()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/dev/shm")) as folder:  # noqa: S108
        root = Path(folder)
        (root / "www").mkdir()
        unthrottled(root, size, runs)
        throttled(root, min(size, 1 << 30))


main()
