"""A: the shutdown of supervisord: all programs in parallel, the log forwarder last, inside a fixed time."""

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
KILL_BEFORE_EXIT = 1.0  # Seconds before the end of a shutdown at which every remaining process gets SIGKILL.


class Shutdown:
    """A parallel stop. Stock stops group after group: two that need 5 s each exceed the container engine's 10 s."""

    def __init__(self, supervisord: Any, config: PluginConfig, programs: Callable[[], Iterable[Supervised]]) -> None:
        self._supervisord, self._config, self._programs = supervisord, config, programs
        self._exit_at = NEVER

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
        return self._exit_at - KILL_BEFORE_EXIT

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
