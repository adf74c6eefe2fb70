"""Before a stop the outputs are delivered, for as long as there is time."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

from entrypoint.commands.before_stop import deliver_outputs
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.outputs_state import NOW, OUTPUTS
from tests.support.waiting import wait_until


def test_outputs_are_waited_for(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path), outputs_to="s3://bucket")
    paths = locate(settings, Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python=""))
    for folder in (paths.requests, paths.reports):
        os.makedirs(folder)

    def report(left: int) -> None:
        content = {"at": time.time(), "to": "s3://bucket", "delivered": 2 - left, "total": 2, "left": left,
                   "first_left": [], "reason": "", "remedy": "", "looked": time.time()}  # fmt: skip
        Path(f"{paths.reports}/{OUTPUTS}").write_text(json.dumps(content))

    report(1)
    assert not deliver_outputs(settings, paths, 0.0)
    Path(f"{paths.requests}/{NOW}").unlink()
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(deliver_outputs(settings, paths, 30.0)))
    waiting.start()
    wait_until(lambda: os.path.exists(f"{paths.requests}/{NOW}"), 10, "a look is asked for")
    report(0)
    waiting.join(20)
    assert done == [True]
    assert deliver_outputs(Settings(home=str(tmp_path)), paths, 0.0)
