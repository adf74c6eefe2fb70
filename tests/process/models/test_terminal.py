"""On a terminal there is a bar instead of a line every few seconds."""

from __future__ import annotations

import os
import pty
import random
import re
from pathlib import Path

import pytest

from tests.support.models.origin import Origin
from tests.support.models.pod import MIB, Pod
from tests.support.waiting import wait_until


def on_a_terminal(pod: Pod, *verb: str, columns: int = 100) -> str:
    """All that is written to a terminal."""
    master, slave = pty.openpty()
    process = pod.start(*verb, terminal=slave, TERM="xterm", COLUMNS=str(columns), LINES="30")
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
    return seen.decode()


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_bar_with_the_files_name_amount_and_speed(tmp_path: Path) -> None:
    with Origin(delay=0.02) as origin:
        origin.put("a.bin", random.Random(1).randbytes(12 * MIB))
        pod = Pod(tmp_path, origin, "a.bin")
        shown = without_escapes(on_a_terminal(pod, "fetch"))
        assert re.search(r"a\.bin .*\d+\.\d/12\.6 MB \d+\.\d MB/s", shown), shown
        assert "12.6/12.6 MB" in shown
        assert "models: complete" in shown
        assert "Traceback" not in shown


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_the_bar_of_several_files_is_one_line(tmp_path: Path, columns: int) -> None:
    """In a terminal of JupyterLab beside a notebook, too."""
    names = [f"a-rather-long-name-of-a-model-{number}.bin" for number in range(3)]
    with Origin(delay=0.02) as origin:
        for name in names:
            origin.put(name, random.Random(name).randbytes(4 * MIB))
        written = on_a_terminal(Pod(tmp_path, origin, *names), "fetch", columns=columns)
    bars = [without_escapes(each) for each in re.split(r"[\r\n]", written) if "MB/s" in each and "models:" not in each]
    assert bars
    assert all(len(each) <= columns and "a-ra" in each for each in bars[1:-1]), bars
    assert "\x1b[1A" not in written  # up a line: the bar had more than one
