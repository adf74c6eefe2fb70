"""On a terminal there is a bar instead of a line every few seconds."""

from __future__ import annotations

import os
import pty
import random
import re
from pathlib import Path

from tests.support.models.origin import Origin
from tests.support.models.pod import MIB, Pod
from tests.support.waiting import wait_until


def on_a_terminal(pod: Pod, *verb: str) -> str:
    """What a terminal of 100 columns shows; escape sequences left out."""
    master, slave = pty.openpty()
    process = pod.start(*verb, terminal=slave, TERM="xterm", COLUMNS="100", LINES="30")
    os.close(slave)
    seen = bytearray()

    def ended() -> bool:
        try:
            seen.extend(os.read(master, 65536))
        except OSError:  # EIO: the other end is closed
            return True
        return False

    wait_until(ended, 60, "the process has ended", 0)
    os.close(master)
    assert process.wait(20) == 0, seen
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())


def test_a_bar_with_the_files_name_amount_and_speed(tmp_path: Path) -> None:
    with Origin(delay=0.02) as origin:
        origin.put("a.bin", random.Random(1).randbytes(12 * MIB))
        pod = Pod(tmp_path, origin, "a.bin")
        shown = on_a_terminal(pod, "fetch")
        assert re.search(r"a\.bin .*\d+\.\d/12\.6 MB \d+\.\d MB/s", shown), shown
        assert "12.6/12.6 MB" in shown
        assert "models: complete" in shown
        assert "Traceback" not in shown
