"""Restarts in a real supervisord; negative controls run the stock one."""

import itertools
import os
import signal
import time

import pytest

from tests.support.supervision.pod import Pod, alive, stays
from tests.support.waiting import wait_until

SLEEPER = """
[program:x]
command=sleep 1000
autorestart=true
startsecs={startsecs}
"""
FLAPPER = """
[program:x]
command=sh -c 'date +%%s.%%N >> {folder}/starts; exit 3'
autorestart=true
startsecs=2
startretries=1
"""


def test_restart_is_immediate_after_the_first_crash() -> None:
    """Even before startsecs has passed."""
    with Pod(SLEEPER.replace("{startsecs}", "2")) as pod:
        first = pod.program("x")
        os.kill(first, signal.SIGKILL)
        begin = time.monotonic()
        wait_until(lambda: pod.starts("x") == 2, 5, "a second start", interval=0.005)
        assert time.monotonic() - begin < 0.7
        [entry] = pod.restarts("x")
        assert (entry["kind"], entry["reason"], entry["delay"]) == ("signal", "killed by SIGKILL", 0.0)


def test_stock_restarts_a_second_later() -> None:
    """Negative control: the same crash costs stock supervisord a turn of its 1 s poll."""
    with Pod(SLEEPER.replace("{startsecs}", "0"), stock=True) as pod:
        pod.wait_state("x", "RUNNING")
        seconds = []
        for starts in range(1, 4):
            # No RPC here: a request would wake its loop.
            pid = int(pod.log().rpartition("spawned: 'x' with pid ")[2].split()[0])
            begin = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            pod.wait_starts("x", starts + 1, 5)
            seconds.append(time.monotonic() - begin)
        assert max(seconds) > 0.5


def test_exits_at_once_is_retried_for_ever_with_jitter() -> None:
    """Every delay is inside its doubling window, status counts down, FATAL never comes."""
    with Pod(FLAPPER, settings="base=0.2\ncap=0.8\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) >= 8, 30, "eight restarts")
        delays = [entry["delay"] for entry in pod.restarts("x")][:8]
        assert delays[0] == 0
        windows = [0.2, 0.4, 0.8, 0.8, 0.8, 0.8, 0.8]
        assert all(0.05 <= d <= w + 0.001 for d, w in zip(delays[1:], windows, strict=True))
        assert len(set(delays)) > 3, "no jitter"
        starts = [float(line) for line in pod.lines("starts")]
        gaps = [b - a for a, b in itertools.pairwise(starts)]
        assert all(gap >= delay for gap, delay in zip(gaps, delays, strict=False)), "started before its time"
        assert pod.state("x") != "FATAL"


def test_stock_gives_up_for_good() -> None:
    """Negative control: FATAL, and supervisord stays up and later exits 0."""
    with Pod(FLAPPER, stock=True) as pod:
        pod.wait_state("x", "FATAL")
        assert pod.stop()[0] == 0


def test_status_counts_down() -> None:
    """`supervisorctl status` shows the reason and the countdown."""
    with Pod(FLAPPER, settings="base=60\nfloor=30\n") as pod:
        pod.wait_state("x", "BACKOFF")
        wait_until(lambda: len(pod.restarts("x")) == 2, 5, "a restart that waits")
        before = pod.control("status")
        assert "BACKOFF" in before
        assert "exited with code 3; restart #2 in " in before
        wait_until(lambda: _seconds(pod.control("status")) < _seconds(before), 5, "the countdown moves")


def _seconds(status: str) -> float:
    return float(status.rsplit(" in ", 1)[1].split("s", 1)[0])


HOLDS_THE_PIPE = """
[program:x]
command=sh -c 'sleep 1000 & exit 3'
autorestart=true
startsecs=1
"""


def test_child_that_holds_the_pipe_does_not_hide_the_crash() -> None:
    """The exit is seen at once and backed off."""
    with Pod(HOLDS_THE_PIPE, settings="sweep=x\nbase=30\nfloor=20\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) == 2, 10, "the second crash is known")
        assert pod.state("x") == "BACKOFF"
        assert all(entry["uptime"] < 1 for entry in pod.restarts("x"))


def test_stock_reports_running() -> None:
    """Negative control: RUNNING again and again, without any backoff."""
    with Pod(HOLDS_THE_PIPE, stock=True) as pod:
        wait_until(lambda: pod.log().count("success: x entered RUNNING state") >= 2, 20, "RUNNING twice")


CRASHES_AFTER_STARTSECS = """
[program:x]
command=sh -c 'sleep 1.2; exit 1'
autorestart=true
startsecs=1
"""


def test_crash_after_startsecs_is_backed_off() -> None:
    """ComfyUI's usual crash: the program was RUNNING before."""
    with Pod(CRASHES_AFTER_STARTSECS, settings="base=30\nfloor=20\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) == 2, 15, "two crashes")
        assert [e["delay"] >= 20 for e in pod.restarts("x")] == [False, True]
        assert pod.state("x") == "BACKOFF"


def test_stock_restarts_it_without_delay() -> None:
    """Negative control: no backoff after the second crash."""
    with Pod(CRASHES_AFTER_STARTSECS, stock=True) as pod:
        wait_until(lambda: pod.starts("x") >= 4, 20, "four starts within 20 s")


def test_a_stable_run_resets_the_backoff() -> None:
    """After `stable_after` seconds the next crash is a first one."""
    with Pod(SLEEPER.replace("{startsecs}", "0"), settings="stable_after=0.3\nbase=30\nfloor=20\n") as pod:
        for number in range(1, 4):
            pid = pod.program("x")
            time.sleep(0.4)  # the stable run itself
            os.kill(pid, signal.SIGKILL)
            pod.wait_restarts("x", number, 5)
            pod.wait_replaced("x", pid, 5)
        assert [entry["delay"] for entry in pod.restarts("x")] == [0, 0, 0]


def test_gives_up_by_policy_with_exit_code_70() -> None:
    """`burst` failures inside `interval`: the other programs are stopped and the exit code says so."""
    other = "[program:other]\ncommand=sleep 1000\n"
    with Pod(FLAPPER + other, settings="base=0.1\ncap=0.1\nburst=3\n") as pod:
        assert pod.process.wait(20) == 70
        assert pod.starts("x") == 3
        assert pod.restarts("x")[-1]["delay"] is None
        assert pod.processes() == []


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_operator_during_backoff(verb: str) -> None:
    """stop cancels the restart; restart does not wait for the countdown."""
    with Pod(FLAPPER, settings="base=60\nfloor=30\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) == 2, 10, "a restart that waits")
        starts = pod.starts("x")
        pod.control(verb, "x")
        if verb == "stop":
            assert pod.state("x") == "STOPPED"
            stays(lambda: pod.starts("x") == starts, 1, "started although stopped")
        else:
            assert pod.starts("x") > starts
            assert "operator" in [entry["kind"] for entry in pod.restarts("x")]


def test_operator_start_during_backoff_starts_now() -> None:
    """Stock reports "already started" for up to a minute."""
    programs = "[program:x]\ncommand=sh -c '[ -e {folder}/good ] && exec sleep 1000; exit 3'\nautorestart=true\n"
    with Pod(programs + "startsecs=1\n", settings="base=60\nfloor=30\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) == 2, 10, "a restart that waits")
        (pod.folder / "good").touch()
        assert "started" in pod.control("start", "x")
        assert pod.state("x") == "RUNNING"
        assert pod.restarts("x")[-1]["kind"] == "operator"


def test_operator_restart_is_no_crash() -> None:
    """Three operator restarts in a row, then one crash: still restarted at once."""
    with Pod(SLEEPER.replace("{startsecs}", "0"), settings="base=30\nfloor=20\n") as pod:
        pod.program("x")
        for _ in range(3):
            pod.control("restart", "x")
        os.kill(pod.program("x"), signal.SIGKILL)
        wait_until(lambda: pod.starts("x") == 5, 5, "a restart at once")
        assert [entry["kind"] for entry in pod.restarts("x")] == ["operator"] * 3 + ["signal"]


WANTS_RESTART = """
[program:x]
command=sh -c 'sleep 0.3; mkdir -p {folder}/requests; touch {folder}/requests/x.reboot; exit 0'
autorestart=unexpected
exitcodes=78
startsecs=0
"""


def test_wanted_restart_is_no_crash() -> None:
    """ComfyUI-Manager's reboot button: restarted at once however often, and recorded as wanted."""
    with Pod(WANTS_RESTART, settings="base=30\nfloor=20\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) >= 3, 15, "three wanted restarts")
        assert {(e["kind"], e["delay"]) for e in pod.restarts("x")} == {("wanted", 0.0)}
        assert not (pod.folder / "requests/x.reboot").exists()


def test_without_the_request_the_same_exit_is_a_failure() -> None:
    """Negative control: exit 0 without a request is backed off the second time."""
    with Pod(
        WANTS_RESTART.replace("mkdir -p {folder}/requests; touch {folder}/requests/x.reboot;", ""),
        settings="base=30\nfloor=20\n",
    ) as pod:
        wait_until(lambda: len(pod.restarts("x")) == 2, 15, "two restarts")
        assert [(e["kind"], e["delay"] >= 20) for e in pod.restarts("x")] == [("exit", False), ("exit", True)]


def test_exit_78_is_not_restarted() -> None:
    """The launcher's "cannot be launched: a condition says why", however quick it comes."""
    programs = "[program:x]\ncommand=sh -c 'exit 78'\nautorestart=unexpected\nexitcodes=78\nstartsecs=2\n"
    with Pod(programs) as pod:
        pod.wait_state("x", "EXITED")
        stays(lambda: pod.starts("x") == 1, 1, "restarted although it can't be launched")
    with Pod(programs, stock=True) as pod:  # negative control: stock ignores exitcodes before startsecs
        wait_until(lambda: pod.starts("x") >= 2, 10, "stock starts it again")


def test_start_that_fails_is_backed_off() -> None:
    """A command that does not exist is retried like a crash: the command may appear with a mount."""
    with Pod("[program:x]\ncommand={folder}/missing\nautorestart=true\n", settings="base=0.2\ncap=0.2\n") as pod:
        wait_until(lambda: len(pod.restarts("x")) >= 3, 10, "three tries")
        assert pod.restarts("x")[-1]["kind"] == "spawn"
        assert "can't find command" in pod.restarts("x")[-1]["reason"]
        (pod.folder / "missing").write_text("#!/bin/sh\nexec sleep 1000\n")
        (pod.folder / "missing").chmod(0o755)
        pod.wait_state("x", "RUNNING")


def test_broken_plugin_leaves_a_stock_supervisord() -> None:
    """A typo in its section, or an exception while it is set up, must not stop the services."""
    with Pod(SLEEPER.replace("{startsecs}", "1"), settings="no_such_setting=1\n") as pod:
        pod.wait_state("x", "RUNNING")
        assert "stock behaviour applies" in pod.log()
        first = pod.program("x")
        os.kill(first, signal.SIGKILL)
        pod.wait_replaced("x", first, 10)
        code, _ = pod.stop()
        assert code == 0


def test_broken_policy_falls_back() -> None:
    """An exception in our planning: stock supervisord's own delay restarts the program."""
    with Pod(FLAPPER, factory="tests.support.supervision.broken:make_rpcinterface") as pod:
        wait_until(lambda: pod.starts("x") >= 3, 15, "stock's delay restarts it")
        assert "deliberately broken" in pod.log()
        assert alive(pod.pid)
