"""How many requests to the volume JupyterLab waits for: a start on a slow volume against one on the local disk.

usage: scripts/bench slow_volume [MILLISECONDS] [ROUNDS]

The volume is a FUSE file system that takes MILLISECONDS (50) for each request (root, /dev/fuse, gcc, libfuse3-dev).
The difference of the two starts, in units of that delay, does not depend on the machine. Before ComfyUI's folders
and the write probe moved to the background, it was 186; since then 51.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.file_systems import build_passthrough, misbehaving
from tests.support.pod import running

TARGET_REQUESTS = 60


def seconds_to_jupyterlab(home: Path) -> float:
    """From the entrypoint's start to JupyterLab's first response through the door."""
    began = time.monotonic()
    with running(home) as pod:
        pod.wait_for_jupyter()
        return time.monotonic() - began


def main(milliseconds: float, rounds: int) -> int:
    """Print the medians; returns 1 where JupyterLab waits for more than TARGET_REQUESTS."""
    local, slow = [], []
    with tempfile.TemporaryDirectory() as folder:
        program = build_passthrough(Path(folder))
        for number in range(rounds + 1):
            top = Path(folder, str(number))
            (top / "disk").mkdir(parents=True)
            (top / "slow").mkdir()
            local.append(seconds_to_jupyterlab(top / "local"))
            with misbehaving(program, top / "disk", top / "slow/comfyui", int(milliseconds * 1000)):
                slow.append(seconds_to_jupyterlab(top / "slow"))
    one, other = statistics.median(local[1:]), statistics.median(slow[1:])  # the first round warms the caches
    requests = (other - one) / milliseconds * 1000
    print(f"{rounds} rounds in turn, fresh data folders, start to JupyterLab's first response")
    print(f"  local disk                      median {one:.2f} s")
    print(f"  volume with {milliseconds:.0f} ms a request    median {other:.2f} s")
    print(f"  requests that JupyterLab waits for: {requests:.0f} (target <= {TARGET_REQUESTS})")
    return int(requests > TARGET_REQUESTS)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 3))
