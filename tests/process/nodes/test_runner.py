"""ComfyUI's runner: the garbage collector waits while ComfyUI imports, and works as ever once it listens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.nodes.left_out import RUNNER
from tests.support.ports import free_port

#: Makes garbage as an import does, and listens at the port that follows `--port`, or at none.
MAIN = """
import gc, json, socket, sys
import weakref
class Loop:
    def __init__(self): self.me = self
collected = []
gc.callbacks.append(lambda phase, _: collected.append(phase))
for _ in range(20_000): Loop()
before = {"collected": len(collected), "frozen": gc.get_freeze_count()}
if "--port" in sys.argv:
    socket.socket().bind(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
loop = Loop(); seen = weakref.ref(loop); del loop
for _ in range(20_000): Loop()
after = {"collected": len(collected), "frozen": gc.get_freeze_count(), "gone": seen() is None}
print(json.dumps([before, after, gc.get_threshold()]))
"""


@pytest.mark.parametrize("listens", [True, False])
def test_garbage_is_collected_once_comfyui_listens(tmp_path: Path, listens: bool) -> None:
    script = tmp_path / "main.py"
    script.write_text(MAIN)
    port = ["--port", str(free_port())] if listens else []
    words = [sys.executable, RUNNER, str(tmp_path / "marker"), str(script), *port]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    before, after, thresholds = json.loads(ended.stdout)
    assert before == {"collected": 0, "frozen": 0}
    stock = subprocess.run([sys.executable, "-c", "import gc; print(list(gc.get_threshold()))"], capture_output=True,
                           text=True, timeout=60, check=True)  # fmt: skip
    if listens:
        assert after["collected"], "garbage made after it listens is looked for"
        assert after["gone"]
        assert after["frozen"] > 1000
        assert thresholds == json.loads(stock.stdout)
    else:
        assert thresholds[0] > 1_000_000, "a bound remains for what never listens"
