"""A: the plugin's state inside supervisord that belongs to no single program.

Single-threaded and never blocking, like supervisord's loop.
"""

import signal
import time
import traceback
from collections.abc import Iterator
from typing import Any

from supervisor.states import ProcessStates, SupervisorStates

from entrypoint.supervision.exits import REQUESTED, Notes, Reason
from entrypoint.supervision.journal import Journal
from entrypoint.supervision.orphans import Sweeper
from entrypoint.supervision.plugin_config import PluginConfig
from entrypoint.supervision.shutdown import Shutdown
from entrypoint.supervision.supervised import Supervised
from entrypoint.supervision.wakeup import Wakeup
from entrypoint.system import cgroup

EXIT_GAVE_UP = 70  # EX_SOFTWARE of sysexits.h: the restart policy gave up on a program.
RESTING_STATES = (ProcessStates.RUNNING, ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL)
EXIT_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class Keeper:
    """The link between supervisord, its programs and the plugin's parts."""

    def __init__(self, supervisord: Any, config: PluginConfig, supervised: type[Supervised]) -> None:
        self.supervisord = supervisord
        self.config = config
        self.log = supervisord.options.logger
        self.wakeup = Wakeup(supervisord, self.next_deadline, self.before_poll, self.at_rest)
        self.journal = Journal(config.runtime, config.keep, self.log.warn)
        self.shutdown = Shutdown(supervisord, config, self.programs)
        self.sweeper = Sweeper(supervisord.options.pidhistory.__contains__)
        self.changed = False
        self._supervised = supervised
        self._cgroup = cgroup.find()

    @property
    def running(self) -> bool:
        """Whether supervisord is neither shutting down nor reloading."""
        return bool(self.supervisord.options.mood == SupervisorStates.RUNNING)

    def programs(self) -> Iterator[Supervised]:
        """The programs under the plugin's restart policy."""
        for program in self._processes():
            if isinstance(program, self._supervised):
                yield program

    def stop_is_queued(self) -> bool:
        """Whether a signal that ends supervisord waits for its turn in the loop: then nothing new may start."""
        queued = self.supervisord.options.signal_receiver._signals_recvd
        return any(number in queued for number in EXIT_REQUESTS)

    def oom_kills(self) -> int:
        """The cgroup's count of processes killed for lack of memory; 0 where it is unknown."""
        return self._cgroup.oom_kills() if self._cgroup else 0

    # -- reports from programs --------------------------------------------------------------------------

    def take_notes(self, name: str, pid: int) -> Notes:
        """Read and remove the notes about this process."""
        from entrypoint.supervision import kill_notes  # json is not needed before the first spawn

        runtime = self.config.runtime
        return kill_notes.take_notes(runtime, name, pid) if runtime else Notes()

    def process_ended(self, name: str) -> None:
        """Kill the orphans of a program whose process was reaped, where the configuration says so."""
        if name in self.config.sweep:
            self.sweeper.add(name)
            self._sweep()

    def log_restart(self, program: Supervised, reason: Reason, delay: float) -> None:
        """Log the reason: stock's "terminated by SIGKILL" may be the OOM killer, the prober or a user."""
        log = self.log.info if reason is REQUESTED else self.log.warn
        log(f"{program.name}: {reason.text}; restart #{program.restarts + 1} in {delay:.1f} s")

    def gave_up(self, program: Supervised) -> None:
        """End the container with EXIT_GAVE_UP: the restart policy gave up on `program`."""
        self.log.critical(
            f"{program.name}: gave up after {program.restarts} restarts; the exit code will be {EXIT_GAVE_UP}"
        )
        self.shutdown.request(EXIT_GAVE_UP)
        self.wakeup.wake()

    # -- every turn of the loop -------------------------------------------------------------------------

    def before_poll(self) -> None:
        """Work that can wait until programs have been started and reaped."""
        try:
            self._sweep()
            if self.changed:
                self.changed = False
                self.journal.write_programs({program.name: program.facts() for program in self.programs()})
        except Exception:
            self.log.critical(traceback.format_exc())
        self.shutdown.enforce()
        if self.shutdown.go_on():
            self.wakeup.wake()

    def next_deadline(self) -> float:
        """Monotonic time at which the loop must turn again; an overdue one must not make the loop spin."""
        now = time.monotonic()
        due = min([program.deadline() for program in self.programs()], default=now + 1.0)
        return min(max(due, now + 0.05) if due < now else due, self.shutdown.deadline())

    def at_rest(self) -> bool:
        """Whether only a signal can make something due: every program is running or stays down."""
        return (
            self.running
            and not self.shutdown.is_put_off()
            and all(isinstance(each, self._supervised) and each.state in RESTING_STATES for each in self._processes())
        )

    def _processes(self) -> Iterator[Any]:
        for group in self.supervisord.process_groups.values():
            yield from group.processes.values()

    def _sweep(self) -> None:
        if self.sweeper.pending:
            killed = self.sweeper.sweep({program.name: program.mark for program in self.programs()})
            if killed:
                self.log.info(f"killed {killed} orphan(s)")
