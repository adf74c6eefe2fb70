"""SIGTERM to the real entrypoint as PID 1, at 50 moments of a start: exit 0 every time, and no process is left.

`env --block-signal` comes first, as in the image: it is PID 1's first instruction, and everything after it keeps
what arrives. Negative control: without our blocking, an early SIGTERM is lost.
"""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_ports
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
DELAYS = [n * 0.06 for n in range(50)]
BLOCKED = ["env", "--block-signal=TERM,INT,QUIT"]
ENTRYPOINT = [sys.executable, "-I", "-m", "entrypoint"]


def start_as_pid_1(command: list[str], home: Path) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """The process that holds the namespace, and the process that is PID 1 inside."""
    environ = {
        "PATH": os.environ["PATH"],
        "PODKEEPER_HOME": str(home),
        **free_ports(),
        "COMFYUI_ENABLED": "false",
        "JUPYTER_TOKEN": "token",
    }
    keeper = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *command],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def first() -> psutil.Process | None:
        """Inside, once it has become `command`: before that, unshare's own mask would count."""
        found = psutil.Process(keeper.pid).children()
        return found[0] if found and found[0].cmdline()[:1] not in ([], ["unshare"]) else None

    return keeper, wait_until(first, 10, "the namespace has its PID 1", 0.001)


def stop_after(delay: float, command: list[str], home: Path) -> tuple[int, list[int]]:
    """Exit code, and the processes left."""
    keeper, leader = start_as_pid_1(command, home)
    threading.Event().wait(delay)  # the moment is what is varied here; nothing is waited for
    family = [leader, *leader.children(recursive=True)]
    leader.send_signal(signal.SIGTERM)
    try:
        code = keeper.wait(20)
    except subprocess.TimeoutExpired:
        code = -1
        keeper.kill()
        keeper.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(member.is_running() for member in family):
        threading.Event().wait(0.02)
    return code, [member.pid for member in family if member.is_running()]


def test_a_stop_at_any_of_50_moments_exits_0_and_leaves_no_process(tmp_path: Path) -> None:
    def one(delay: float) -> tuple[float, tuple[int, list[int]]]:
        return delay, stop_after(delay, [*BLOCKED, *ENTRYPOINT], tmp_path / f"{delay:.2f}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        bad = {delay: result for delay, result in pool.map(one, DELAYS) if result != (0, [])}
    assert bad == {}


def test_an_early_stop_is_lost_where_the_signal_is_not_blocked(tmp_path: Path) -> None:
    """Negative control: PID 1 without a handler; the kernel drops the signal, and the pod would be killed at 10 s."""
    unguarded = [sys.executable, "-I", "-c", "import time; time.sleep(2)"]
    keeper, leader = start_as_pid_1(unguarded, tmp_path / "pod")
    leader.send_signal(signal.SIGTERM)
    assert keeper.wait(20) == 0
    assert leader.is_running() is False
