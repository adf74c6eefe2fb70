"""A: the plugin's heart inside supervisord: what belongs to no single program.

Single-threaded and never blocking, like the loop it lives in.
"""

import signal
import time
import traceback
from collections.abc import Iterator
from typing import Any

from supervisor.states import ProcessStates, SupervisorStates

from entrypoint.supervision import exits
from entrypoint.supervision.journal import Journal
from entrypoint.supervision.orphans import Sweeper
from entrypoint.supervision.plugin_config import Section
from entrypoint.supervision.policy import Backoff
from entrypoint.supervision.program import Program
from entrypoint.supervision.shutdown import Shutdown
from entrypoint.supervision.wakeup import Wakeup
from entrypoint.system import cgroup

EXIT_GAVE_UP = 70
"""EX_SOFTWARE of sysexits.h: the restart policy gave up on a program."""
RESTING_STATES = (ProcessStates.RUNNING, ProcessStates.STOPPED, ProcessStates.EXITED, ProcessStates.FATAL)
EXIT_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class Keeper:
    """Ties supervisord, its programs and what the plugin adds together."""

    def __init__(self, supervisord: Any, section: Section) -> None:
        self.supervisord = supervisord
        self.section = section
        self.log = supervisord.options.logger
        self.wakeup = Wakeup(supervisord, self.next_deadline, self.before_poll, self.at_rest)
        self.journal = Journal(section.runtime, section.keep, self.log.warn)
        self.shutdown = Shutdown(supervisord, section, self.programs)
        self.sweeper = Sweeper(supervisord.options.pidhistory.__contains__)
        self.changed = False
        self._cgroup = cgroup.find()

    @property
    def running(self) -> bool:
        """Not shutting down and not reloading."""
        return bool(self.supervisord.options.mood == SupervisorStates.RUNNING)

    def programs(self) -> Iterator[Program]:
        for group in self.supervisord.process_groups.values():
            for program in group.processes.values():
                if isinstance(program, Program):
                    yield program

    def new_backoff(self) -> Backoff:
        return Backoff(self.section.policy)

    def stop_is_queued(self) -> bool:
        """A signal that ends supervisord waits for its turn in the loop: start nothing new."""
        queued = self.supervisord.options.signal_receiver._signals_recvd
        return any(number in queued for number in EXIT_REQUESTS)

    def oom_kills(self) -> int:
        """The cgroup's count of processes killed for lack of memory; 0 where it can't be known."""
        return self._cgroup.oom_kills() if self._cgroup else 0

    # -- what programs report ---------------------------------------------------------------------------

    def why(self, program: Program, pid: int, code: int, oom_kills: int) -> exits.Reason:
        """Why a program ended: what others know about it comes before what its exit code says."""
        if self.section.runtime:
            from entrypoint.supervision import kill_notes  # json is not needed before the first spawn

            note = kill_notes.take_kill_note(self.section.runtime, program.name, pid)
            wanted = kill_notes.take_restart_request(self.section.runtime, program.name)
            if note:
                return note
            if wanted and code == exits.WANTED_EXIT:
                return exits.WANTED
        return exits.end_of_process(code, oom_kills)

    def ended(self, program: Program) -> None:
        """A program's process was reaped: what it left behind goes too, where policy says so."""
        if program.name in self.section.sweep:
            self.sweeper.add(program.name)
            self._sweep()

    def will_restart(self, program: Program, reason: exits.Reason, delay: float) -> None:
        """Say why: stock's "terminated by SIGKILL" may be the OOM killer, the prober or a user."""
        say = self.log.info if reason is exits.WANTED else self.log.warn
        say(f"{program.name}: {reason.text}; restart #{program.restarts + 1} in {delay:.1f} s")

    def gave_up(self, program: Program) -> None:
        """Policy says this program is beyond help: end the container, visibly."""
        self.log.critical(
            f"{program.name}: gave up after {program.restarts} restarts; the exit code will be {EXIT_GAVE_UP}"
        )
        self.shutdown.request(EXIT_GAVE_UP)
        self.wakeup.kick()

    # -- every turn of the loop -------------------------------------------------------------------------

    def before_poll(self) -> None:
        """Work that can wait until programs have been started and reaped."""
        try:
            self._sweep()
            if self.changed:
                self.changed = False
                self.journal.show({program.name: program.facts() for program in self.programs()})
        except Exception:
            self.log.critical(traceback.format_exc())
        self.shutdown.enforce()

    def next_deadline(self) -> float:
        """Monotonic time at which the loop must turn again; a missed one must not make it spin."""
        now = time.monotonic()
        due = min([program.deadline() for program in self.programs()], default=now + 1.0)
        return min(max(due, now + 0.05) if due < now else due, self.shutdown.deadline())

    def at_rest(self) -> bool:
        """Does every program run or stay down, so that nothing can become due but by a signal?"""
        processes = [p for group in self.supervisord.process_groups.values() for p in group.processes.values()]
        return self.running and all(isinstance(p, Program) and p.state in RESTING_STATES for p in processes)

    def _sweep(self) -> None:
        if self.sweeper.wanted:
            killed = self.sweeper.sweep({program.name: program.mark for program in self.programs()})
            if killed:
                self.log.info(f"killed {killed} orphan(s)")
