"""The plugin inside supervisord: owns restarts, the order of a shutdown and the exit code (A).

Single-threaded and never blocking, like the loop it lives in.
"""

import atexit
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from supervisor import events, options, process
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.states import ProcessStates, SupervisorStates

from entrypoint.supervision import exits, operator, orphans
from entrypoint.supervision.journal import Journal
from entrypoint.supervision.policy import Backoff
from entrypoint.supervision.program import Program
from entrypoint.supervision.section import parse_section
from entrypoint.supervision.wakeup import NEVER, Wakeup

EXIT_GAVE_UP = 70
"""EX_SOFTWARE of sysexits.h: the restart policy gave up on a program."""
EXIT_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
KILL_BEFORE_LEAVING = 1.0
"""Seconds before the end of a shutdown at which everything left gets SIGKILL."""


def install(supervisord: Any, lines: Mapping[str, str]) -> "Interface":
    """Take over a supervisord that has built its programs and started none. Also after each reload."""
    keeper = Keeper(supervisord, lines)
    Program.keeper = keeper
    _adopt_future_programs()
    for group in supervisord.process_groups.values():
        for program in group.processes.values():
            _adopt(program, group)
    operator.let_start_end_backoff()
    orphans.adopt_descendants()
    events.subscribe(events.SupervisorStoppingEvent, keeper.on_stopping)
    keeper.wakeup.install()
    return Interface()


def _adopt(program: Any, group: Any) -> None:
    if type(program) is process.Subprocess and not isinstance(group, process.EventListenerPool):
        program.__class__ = Program


def _adopt_future_programs() -> None:
    """`supervisorctl update` makes programs later on."""
    stock = options.ProcessConfig.make_process
    if getattr(stock, "adopts", False):
        return

    def make_process(self: Any, group: Any = None) -> Any:
        program = stock(self, group)
        _adopt(program, group)
        return program

    make_process.adopts = True  # type: ignore[attr-defined]
    options.ProcessConfig.make_process = make_process


class Interface:
    """The `podkeeper` RPC namespace. Empty: what the plugin knows is in files that any process can read."""


class Keeper:
    """State that belongs to no single program."""

    def __init__(self, supervisord: Any, lines: Mapping[str, str]) -> None:
        self.supervisord = supervisord
        self.section = parse_section(lines)
        self.wakeup = Wakeup(supervisord, self.next_deadline, self.before_poll)
        self.journal = Journal(self.section.runtime, self.section.keep)
        self.changed = False
        self._sweeping: set[str] = set()
        self._leave_at = NEVER

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
        """A signal that ends supervisord has arrived and waits for its turn in the loop: start nothing new."""
        queued = self.supervisord.options.signal_receiver._signals_recvd
        return any(number in queued for number in EXIT_REQUESTS)

    def oom_kills(self) -> int:
        return 0

    # -- what programs report ---------------------------------------------------------------------------

    def why(self, program: Program, pid: int, code: int, oom_kills: int) -> exits.Reason:
        """Why a program ended."""
        return exits.end_of_process(code, oom_kills)

    def record(self, program: Program, reason: exits.Reason, delay: float) -> None:
        self.journal.add(program.name, reason, delay)

    def ended(self, program: Program) -> None:
        if program.name in self.section.sweep:
            self._sweeping.add(program.name)
            self._sweep()

    def gave_up(self, program: Program) -> None:
        """Policy says this program is beyond help: end the container, visibly."""
        log = self.supervisord.options.logger
        log.critical(
            f"{program.name}: gave up after {program.restarts} restarts; exit code will be {EXIT_GAVE_UP}"
        )
        self.supervisord.options.mood = SupervisorStates.SHUTDOWN
        atexit.register(_exit, EXIT_GAVE_UP)
        self.wakeup.kick()

    # -- every turn of the loop -------------------------------------------------------------------------

    def before_poll(self) -> None:
        """Work that can wait until programs have been started and reaped."""
        try:
            if self._sweeping:
                self._sweep()
            self.changed = False
        except Exception:
            self.supervisord.options.logger.critical(traceback.format_exc())
        self._enforce_shutdown()

    def next_deadline(self) -> float:
        """Monotonic time at which the loop must turn again; a missed one must not make it spin."""
        if self._can_drop_a_stopped_group():
            return 0.0
        now = time.monotonic()
        ending = self._leave_at - KILL_BEFORE_LEAVING
        due = min([program.deadline() for program in self.programs()] + [ending])
        return max(due, now + 0.05) if due < now else due

    def _sweep(self) -> None:
        """Kill orphans of earlier starts until a pass finds none; SIGCHLD of the killed brings the next pass."""
        current = {p.name: orphans.mark_of(p.name, p.starts) if p.pid else "" for p in self.programs()}

        def is_orphan(mark: str) -> bool:
            name = mark.rpartition(":")[0]
            return name in self._sweeping and mark != current.get(name)

        killed = orphans.sweep(is_orphan, self.supervisord.options.pidhistory.__contains__)
        if killed:
            self.supervisord.options.logger.warn(
                f"killed {killed} orphan(s) of {', '.join(sorted(self._sweeping))}"
            )
        else:
            self._sweeping.clear()

    # -- shutdown ---------------------------------------------------------------------------------------

    def on_stopping(self, event: object) -> None:
        """Stop every program at once; stock takes one group after another (2 x 5 s is past Docker's 10 s)."""
        try:
            groups = self.supervisord.stop_groups
            groups.sort(key=lambda group: all(name not in self.section.last for name in group.processes))
            for program in self.programs():
                if program.name not in self.section.last:
                    _stop(program)
            if self.supervisord.options.mood == SupervisorStates.SHUTDOWN:
                self._leave_at = time.monotonic() + self.section.stop_within
        except Exception:
            self.supervisord.options.logger.critical(traceback.format_exc())
        self.wakeup.kick()

    def _can_drop_a_stopped_group(self) -> bool:
        """Stock drops one stopped group a turn, and each turn would last up to 1 s."""
        groups = self.supervisord.stop_groups
        return bool(groups) and not groups[-1].get_unstopped_processes()

    def _enforce_shutdown(self) -> None:
        """Inside `stop_within` whatever happens, also with a process that not even SIGKILL ends."""
        left = self._leave_at - time.monotonic()
        if left <= 0:
            self.supervisord.options.logger.critical("leaving although programs are still there")
            raise asyncore.ExitNow
        if left <= KILL_BEFORE_LEAVING:
            for program in self.programs():
                if program.pid:
                    program.kill(signal.SIGKILL)


def _stop(program: Program) -> None:
    if program.state in (ProcessStates.RUNNING, ProcessStates.STARTING, ProcessStates.BACKOFF):
        program.stop()


def _exit(code: int) -> None:
    """supervisord always exits 0; the container engine should see the difference."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
