"""A: the shutdown of supervisord: first the program that drains, if there is time; then all programs in parallel, the
log forwarder last, inside a fixed time."""

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

from entrypoint.supervision.plugin_config import PluginConfig
from entrypoint.supervision.supervised import Supervised
from entrypoint.supervision.wakeup import NEVER

STOPPABLE = (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.BACKOFF)
NOT_RUNNING = (ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL, ProcessStates.BACKOFF)
KILL_BEFORE_EXIT = 1.0  # Seconds before the end of a shutdown at which every remaining process gets SIGKILL.


class Shutdown:
    """A parallel stop. Stock stops group after group: two that need 5 s each exceed the container engine's 10 s."""

    def __init__(self, supervisord: Any, config: PluginConfig, programs: Callable[[], Iterable[Supervised]]) -> None:
        self._supervisord, self._config, self._programs = supervisord, config, programs
        self._exit_at = NEVER
        self._drained_by = NEVER

    def put_off(self) -> bool:
        """Start the program that drains, in place of the shutdown that a SIGTERM asks for; False: shut down at once, as
        for a second SIGTERM."""
        try:
            if self._drained_by != NEVER or not self._config.drain_within:
                return False
            program = self._drain()
            if program is None or program.state not in NOT_RUNNING:
                return False
            self._drained_by = time.monotonic() + self._config.drain_within
            self._supervisord.options.logger.warn(
                f"draining for up to {self._config.drain_within:.0f} s, then stopping"
            )
            program.spawn()
        except Exception:
            self._supervisord.options.logger.critical(traceback.format_exc())
            return False
        return True

    def is_put_off(self) -> bool:
        """Whether the program that drains has been started, and the shutdown follows."""
        return self._drained_by != NEVER and bool(self._supervisord.options.mood == SupervisorStates.RUNNING)

    def go_on(self) -> bool:
        """Shut down once the program that drains has ended, or its time is over; returns whether that is now."""
        program = self._drain()
        works = program is not None and program.state not in NOT_RUNNING
        if not self.is_put_off() or (works and time.monotonic() < self._drained_by):
            return False
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN
        return True

    def _drain(self) -> Supervised | None:
        return next((each for each in self._programs() if each.name == self._config.drain), None)

    def begin(self, event: object) -> None:
        """Stop all programs but the last ones; supervisord is about to stop its groups, to exit or to reload."""
        try:
            last = self._config.last
            self._supervisord.stop_groups.sort(key=lambda group: last.isdisjoint(group.processes))
            for program in self._programs():
                if program.name not in last and program.state in STOPPABLE:
                    program.stop()
            if self._supervisord.options.mood == SupervisorStates.SHUTDOWN:
                self._exit_at = time.monotonic() + self._config.stop_within
        except Exception:
            self._supervisord.options.logger.critical(traceback.format_exc())

    def deadline(self) -> float:
        """Monotonic time at which supervisord's loop must turn; 0: at once."""
        groups = self._supervisord.stop_groups
        if groups and not groups[-1].get_unstopped_processes():
            return 0.0  # stock drops one stopped group a turn, and each turn would last up to 1 s
        return min(self._exit_at - KILL_BEFORE_EXIT, self._drained_by if self.is_put_off() else NEVER)

    def enforce(self) -> None:
        """End the shutdown inside `stop_within`, even with a process that SIGKILL does not end."""
        left = self._exit_at - time.monotonic()
        if left <= 0:
            self._supervisord.options.logger.critical("exiting although some programs have not ended")
            raise asyncore.ExitNow
        if left <= KILL_BEFORE_EXIT:
            for program in self._programs():
                if program.pid:
                    program.kill(signal.SIGKILL)

    def request(self, code: int) -> None:
        """Shut down with this exit code for the container engine: supervisord itself always exits 0."""
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN
        atexit.register(_exit, code)


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
