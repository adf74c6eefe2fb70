"""The first SIGTERM runs the program that drains, while everything else runs on; then the shutdown follows."""

import os
import signal
import time

import pytest

from tests.support.supervision.pod import Pod
from tests.support.waiting import wait_until

PROGRAMS = """
[program:service]
command=sh -c 'trap "echo service >> {{folder}}/order; exit 0" TERM; touch {{folder}}/up; while :; do sleep 0.05; done'
startsecs=0
[program:drain]
command=sh -c 'echo begun >> {{folder}}/order; {work}; echo drained >> {{folder}}/order'
autostart=false
autorestart=false
startsecs=0
stopwaitsecs=1
stopasgroup=true
killasgroup=true
"""
DRAIN = "drain=drain\ndrain_within={}\n"


def started(work: str, settings: str) -> Pod:
    return Pod(PROGRAMS.format(work=work), settings=settings)


@pytest.mark.parametrize(
    ("number", "work", "settings", "order", "most"),
    [
        (signal.SIGTERM, "sleep 0.5", DRAIN.format(30), ["begun", "drained", "service"], 3),
        (signal.SIGTERM, "sleep 60", DRAIN.format(0.7), ["begun", "service"], 3),  # its time is over
        (signal.SIGTERM, "exit 1", DRAIN.format(30), ["begun", "service"], 2),
        (signal.SIGTERM, "sleep 60", DRAIN.format(0), ["service"], 1),  # STOP_GRACE=0
        (signal.SIGTERM, "sleep 60", "drain=other\ndrain_within=30\n", ["service"], 1),
        (signal.SIGINT, "sleep 60", DRAIN.format(30), ["service"], 1),  # Ctrl-C does not wait
    ],
)
def test_a_stop(number: signal.Signals, work: str, settings: str, order: list[str], most: float) -> None:
    with started(work, settings) as pod:
        wait_until(lambda: (pod.folder / "up").exists(), 10, "the service runs")
        began = time.monotonic()
        os.kill(pod.pid, number)
        assert pod.process.wait(20) == 0
        assert time.monotonic() - began < most
        assert pod.lines("order") == order
        assert pod.processes() == []


def test_a_second_sigterm_stops_at_once() -> None:
    with started("sleep 60", DRAIN.format(60)) as pod:
        wait_until(lambda: (pod.folder / "up").exists(), 10, "the service runs")
        os.kill(pod.pid, signal.SIGTERM)
        wait_until(lambda: pod.lines("order") == ["begun"], 10, "it drains")
        assert pod.info("service")["statename"] == "RUNNING"
        os.kill(pod.pid, signal.SIGTERM)
        assert pod.process.wait(5) == 0
        assert pod.lines("order") == ["begun", "service"]
