"""What MODELS_CACHE=local is worth on a slow volume: until a model can be used, and how fast it is loaded.

usage: scripts/bench models_cache [MILLISECONDS...]

MILLISECONDS: of each request to the volume (5 20). The volume is a FUSE file system that takes so long (root,
/dev/fuse, gcc, libfuse3-dev); the hub is on this machine. `loaded`: through page faults, as safetensors maps a file,
with nothing of it in the page cache.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.model_reads import make_file
from entrypoint.system.disk_speed import mapped_speed
from tests.support.file_systems import build_passthrough, misbehaving
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod

DELAYS_MS = (5, 20)
ROUNDS = 3
NAME = "model.safetensors"


@dataclass(frozen=True)
class Round:
    """One download. Seconds from the command's start; `loaded`: MB/s."""

    usable: float
    complete: float
    loaded: float


def one_round(pod: Pod, cache: str) -> Round:
    """Fetch the model with or without the local disk, and load what ComfyUI would."""
    local = Path(pod.paths.models_cache or f"{pod.root}/models-cache")
    environ = {"PODKEEPER_MODELS_CACHE_PATH": str(local) if cache == "local" else ""}
    used = local / "models/loras" / NAME if cache == "local" else pod.installed(NAME)
    began = time.monotonic()
    process = pod.start("fetch", terminal=None, **environ)
    while not used.exists() and process.poll() is None:
        time.sleep(0.01)
    usable = time.monotonic() - began
    text, _ = process.communicate()
    assert process.returncode == 0, text
    complete = time.monotonic() - began
    with used.open("rb") as file:
        loaded = mapped_speed(file.fileno(), 60) / 1e6
    assert pod.run("rm", "B", **environ)[0] == 0
    return Round(usable, complete, loaded)


def main(delays: Sequence[int]) -> int:
    """Print a line for each latency and setting."""
    with tempfile.TemporaryDirectory() as folder:
        program = build_passthrough(Path(folder))
        make_file(Path(folder, NAME))
        content = Path(folder, NAME).read_bytes()
        print(f"one model of {len(content) / 1e6:.0f} MB, median of {ROUNDS}")
        for delay in delays:
            root = Path(folder, f"pod{delay}")
            (root / "disk").mkdir(parents=True)
            with Origin() as origin, misbehaving(program, root / "disk", root / "comfyui", delay * 1000):
                origin.put(NAME, content)
                pod = Pod(root, origin, NAME)
                for cache in ("none", "local"):
                    rounds = [one_round(pod, cache) for _ in range(ROUNDS)]
                    usable, complete, loaded = (
                        statistics.median(getattr(each, name) for each in rounds)
                        for name in ("usable", "complete", "loaded")
                    )
                    print(
                        f"{delay:3} ms a request, MODELS_CACHE={cache:5}: usable after {usable:.1f} s, "
                        f"on the volume after {complete:.1f} s, loaded at {loaded:.0f} MB/s"
                    )
    return 0


if __name__ == "__main__":
    sys.exit(main([int(each) for each in sys.argv[1:]] or DELAYS_MS))
