"""A: a shutdown of supervisord: everything at once, the log forwarder last, inside a fixed time."""

import atexit
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from supervisor.medusa import asyncore_25 as asyncore
from supervisor.states import ProcessStates, SupervisorStates

from entrypoint.supervision.plugin_config import Section
from entrypoint.supervision.program import Program
from entrypoint.supervision.wakeup import NEVER

STOPPABLE = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.BACKOFF)
KILL_BEFORE_LEAVING = 1.0
"""Seconds before the end of a shutdown at which everything left gets SIGKILL."""


class Shutdown:
    """Stock stops one group after another: two that need 5 s each are past the engine's 10 s."""

    def __init__(self, supervisord: Any, section: Section, programs: Callable[[], Iterable[Program]]) -> None:
        self._supervisord = supervisord
        self._section = section
        self._programs = programs
        self._leave_at = NEVER

    def begin(self, event: object) -> None:
        """supervisord is about to stop its groups, for an end or for a reload."""
        try:
            last = self._section.last
            self._supervisord.stop_groups.sort(key=lambda group: last.isdisjoint(group.processes))
            for program in self._programs():
                if program.name not in last and program.state in STOPPABLE:
                    program.stop()
            if self._supervisord.options.mood == SupervisorStates.SHUTDOWN:
                self._leave_at = time.monotonic() + self._section.stop_within
        except Exception:
            self._supervisord.options.logger.critical(traceback.format_exc())

    def deadline(self) -> float:
        """Monotonic time at which the loop must turn; 0: at once."""
        groups = self._supervisord.stop_groups
        if groups and not groups[-1].get_unstopped_processes():
            return 0.0  # stock drops one stopped group a turn, and each turn would last up to 1 s
        return self._leave_at - KILL_BEFORE_LEAVING

    def enforce(self) -> None:
        """Inside `stop_within` whatever happens, also with a process that not even SIGKILL ends."""
        left = self._leave_at - time.monotonic()
        if left <= 0:
            self._supervisord.options.logger.critical("leaving although some programs have not ended")
            raise asyncore.ExitNow
        if left <= KILL_BEFORE_LEAVING:
            for program in self._programs():
                if program.pid:
                    program.kill(signal.SIGKILL)

    def request(self, code: int) -> None:
        """Shut down, and let the container engine see why: supervisord itself always exits 0."""
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN
        atexit.register(_exit, code)


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
