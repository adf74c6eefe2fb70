"""Looks at the processes of a machine: this process's children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoint.meter.processes import Processes
from tests.support.waiting import wait_until


def test_a_command_of_podkeepers_without_a_terminal(tmp_path: Path) -> None:
    """`docker exec POD podkeeper models fetch`."""
    code = "import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "entrypoint.commands.models", "fetch"]) as child:
        try:
            looks = Processes(os.getpid())
            wait_until(lambda: looks.look() == "podkeeper models runs", 10, "it is seen")
        finally:
            child.kill()


def test_a_program_that_uses_the_processor() -> None:
    looks = Processes(os.getpid())
    assert looks.look() == ""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            found = wait_until(looks.look, 20, "it is seen", 0.3)
        finally:
            child.kill()
    assert found.startswith("the processor is at work (")


def test_a_terminal_that_prints(tmp_path: Path) -> None:
    """In a container every terminal is the pod's; the kernel notes the time of an output."""
    looks = Processes(0, terminals=str(tmp_path))
    (tmp_path / "0").touch()
    (tmp_path / "ptmx").touch()
    assert looks.output() == ""
    os.utime(tmp_path / "ptmx", (9, 9))
    assert looks.output() == ""
    os.utime(tmp_path / "0", (9, 9))
    assert looks.output() == "a terminal has output (pts/0)"
    assert looks.output() == ""
    assert Processes(1, terminals=str(tmp_path)).output() == ""


def test_a_proc_that_shows_nothing_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="shows no processes"):
        Processes(0, proc=str(tmp_path)).look()
