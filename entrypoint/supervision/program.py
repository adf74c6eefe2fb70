"""A: one supervised program: supervisord's Subprocess under our restart policy.

Every override falls back to what stock supervisord does if ours raises. Each internal that is used here is
named by tests/contract/test_supervisor_internals.py.
"""

import contextlib
import functools
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

from supervisor import process
from supervisor.datatypes import RestartUnconditionally
from supervisor.states import ProcessStates as States
from supervisor.states import getProcessStateDescription

from entrypoint.supervision import exits, orphans
from entrypoint.supervision.child import prepare_child
from entrypoint.supervision.keeper import Keeper
from entrypoint.supervision.policy import Backoff, Decision, Exit, GiveUp, Restart, StayDown, on_exit, on_failure
from entrypoint.supervision.wakeup import NEVER

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)
"""The signals supervisord handles."""
NOT_STARTED = (States.STOPPED, States.BACKOFF, States.EXITED)
"""States from which supervisord may start a program on its own."""


class Program(process.Subprocess):  # type: ignore[misc]  # supervisor has no type hints
    """A supervised program. supervisord's objects are turned into this class after they were built."""

    keeper: Keeper
    # supervisord's own attributes that we use
    config: Any
    state: int
    pid: int
    laststart: float
    killing: bool
    pipes: dict[str, Any]
    dispatchers: dict[int, Any]
    # ours
    starts = 0
    restarts = 0
    _mark = ""
    _started_at = 0.0
    _started_on: float | None = None
    _last_reason: str | None = None
    _retry_at: float | None = None
    _kill_at: float | None = None
    _decision: Decision | None = None
    _oom_kills = 0
    _spawnerr: str | None = None

    @property
    def name(self) -> str:
        return str(self.config.name)

    @property
    def mark(self) -> str:
        """The mark of the running process and its descendants; empty when none runs."""
        return self._mark if self.pid else ""

    @property
    def owned(self) -> bool:
        """Whether the plugin restarts it; one-shots (`autorestart=false`) are left to stock supervisord."""
        return bool(self.config.autorestart)

    @property
    def spawnerr(self) -> str | None:
        """The text beside BACKOFF in `supervisorctl status`: the reason and a current countdown."""
        if self.state == States.BACKOFF and self._decision and self._retry_at is not None:
            left = max(0.0, self._retry_at - time.monotonic())
            return f"{self._decision.reason.text}; restart #{self.restarts + 1} in {left:.1f}s"
        return self._spawnerr

    @spawnerr.setter
    def spawnerr(self, text: str | None) -> None:
        self._spawnerr = text

    def facts(self) -> dict[str, Any]:
        """The program's entry in programs.json (see journal.py)."""
        waiting = self.state == States.BACKOFF and self._retry_at is not None
        return {
            "state": getProcessStateDescription(self.state),
            "pid": self.pid,
            "started": self._started_on,
            "restarts": self.restarts,
            "next_start": time.time() + (self._retry_at or 0.0) - time.monotonic() if waiting else None,
            "reason": self._last_reason,
        }

    def deadline(self) -> float:
        """Monotonic time at which supervisord's loop must turn for this program."""
        if self.state == States.BACKOFF and self._retry_at is not None:
            return self._retry_at
        if self.state == States.STOPPING and self._kill_at is not None:
            return self._kill_at
        if self.state == States.STARTING:
            return self._started_at + float(self.config.startsecs) + 0.002  # stock asks for *more than* startsecs
        return NEVER

    # -- start ----------------------------------------------------------------------------------------

    def spawn(self) -> Any:
        """Stock, with signals blocked: between fork and exec the child still has supervisord's handlers.

        They would swallow the SIGTERM of an early stop, and the program would run until stopwaitsecs.
        """
        self._guarded(self._before_spawn)
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            return super().spawn()
        except Exception:
            self._report()
            if self.state == States.STARTING and not self.pid:  # else it would count as RUNNING after startsecs
                self.record_spawnerr("unexpected error while starting it (see supervisord's log)")
                self.change_state(States.BACKOFF)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)

    def _before_spawn(self) -> None:
        restarted = self.state == States.BACKOFF
        if not restarted:  # the first start, or the operator's
            self._backoff.reset()
        if not restarted and self.starts:
            self._record(exits.OPERATOR, uptime=0.0, delay=0.0)
        self.restarts += bool(self.starts)
        self.starts += 1
        self._mark = orphans.new_mark(self.name)
        self._retry_at = None
        self._decision = None
        self._started_at = time.monotonic()
        self._started_on = time.time()
        self._oom_kills = self.keeper.oom_kills()

    def _spawn_as_child(self, filename: str, argv: list[str]) -> None:
        config = self.keeper.config
        prepare_child(HANDLED, self._mark, config.oom_score_adj, self.name in config.background)
        super()._spawn_as_child(filename, argv)

    # -- end ------------------------------------------------------------------------------------------

    def finish(self, pid: int, sts: int) -> None:
        """Stock, then our decision."""
        if self.owned:  # a quick exit is an exit like any other: stock hides its code and takes another path
            self.laststart = min(self.laststart, time.time() - self.config.startsecs - 0.001)
        try:
            super().finish(pid, sts)
        except Exception:
            self._report()
            self._finish_by_force()
        self._guarded(lambda: self._after_finish(pid, os.waitstatus_to_exitcode(sts)))

    def _finish_by_force(self) -> None:
        """Complete a finish that raised half-way (an assertion about states): the exception would end supervisord."""
        self.config.options.close_parent_pipes(self.pipes)
        self.pid, self.pipes, self.dispatchers, self.killing = 0, {}, {}, False
        self.state = States.EXITED

    def _after_finish(self, pid: int, code: int) -> None:
        self._kill_at = None
        self.keeper.process_ended(self.name, code if self.state == States.EXITED else None)
        if self.config.killasgroup:
            _kill_group(pid)
        facts = self._facts_of_exit(pid, code)
        try:
            self._decision = on_exit(facts, self._backoff, time.monotonic())
        except Exception:
            self._report()
            self._decision = None
        if self.state == States.EXITED and not isinstance(self._decision, StayDown):
            self.change_state(States.BACKOFF)  # without a decision stock supervisord's own delay holds
            self._guarded(lambda: self._plan(facts.uptime))
        self.keeper.wakeup.wake()

    def _facts_of_exit(self, pid: int, code: int) -> Exit:
        notes = self.keeper.take_notes(self.name, pid)
        always = self.config.autorestart is RestartUnconditionally
        return Exit(
            code=code,
            uptime=time.monotonic() - self._started_at,
            autorestart="never" if not self.owned else "always" if always else "unexpected",
            exitcodes=self.config.exitcodes,
            startsecs=float(self.config.startsecs),
            stopping=self.state != States.EXITED or not self.keeper.running,
            oom_kills=self.keeper.oom_kills() - self._oom_kills,
            **notes._asdict(),
        )

    def change_state(self, new_state: int, expected: bool = True) -> Any:
        """Stock, and a start that failed is followed by our policy."""
        start_failed = new_state == States.BACKOFF and self.state == States.STARTING
        result = super().change_state(new_state, expected)
        if new_state in (States.BACKOFF, States.STOPPED, States.STOPPING):
            self._retry_at = None  # in BACKOFF, unless the policy sets it, stock supervisord's own delay holds
        if start_failed and self.owned:
            self._guarded(self._start_failed)
        self.keeper.changed = True
        return result

    def _start_failed(self) -> None:
        uptime = time.monotonic() - self._started_at
        reason = exits.Reason("spawn", self._spawnerr or "could not be started")
        self._decision = on_failure(reason, uptime, self._backoff, time.monotonic())
        self._plan(uptime)

    def _plan(self, uptime: float) -> None:
        """Set the time at which `transition` acts on the decision."""
        if self._decision is None:
            return
        delay = self._decision.delay if isinstance(self._decision, Restart) else None
        self._retry_at = time.monotonic() + (delay or 0.0)
        self.keeper.wakeup.wake()
        if delay is not None:
            self.keeper.log_restart(self, self._decision.reason, delay)
        self._record(self._decision.reason, uptime, delay)

    def _record(self, reason: exits.Reason, uptime: float, delay: float | None) -> None:
        self._last_reason = reason.text
        self.keeper.journal.add_restart(self.name, self.restarts + 1, reason, uptime, delay)

    @functools.cached_property
    def _backoff(self) -> Backoff:
        return Backoff(self.keeper.config.policy)

    # -- every turn of the loop -----------------------------------------------------------------------------------

    def kill(self, sig: int) -> Any:
        """Stock, with the deadline of SIGKILL on the monotonic clock, which no time adjustment moves."""
        self._kill_at = time.monotonic() + float(self.config.stopwaitsecs)
        return super().kill(sig)

    def transition(self) -> None:
        """One turn of supervisord's loop."""
        try:
            if self._transition():
                return
        except Exception:
            self._report()
            self._retry_at = None
        super().transition()

    def _transition(self) -> bool:
        """Act on our decisions; False: stock's transition follows."""
        if self.state in NOT_STARTED and self.keeper.stop_is_queued():
            return True
        now = time.monotonic()
        if self.state == States.STOPPING and self._kill_at is not None:
            if now >= self._kill_at:
                self.config.options.logger.warn(f"killing '{self.name}' ({self.pid}) with SIGKILL")
                self.kill(signal.SIGKILL)
            return True
        if self.state != States.BACKOFF or self._retry_at is None:
            return False
        if isinstance(self._decision, GiveUp):
            self.give_up()
            self.keeper.gave_up(self)
        elif self.keeper.running and now >= self._retry_at:
            self.spawn()
        return True

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            self._report()

    def _report(self) -> None:
        self.config.options.logger.critical(f"{self.name}: stock behaviour applies:\n{traceback.format_exc()}")


def _kill_group(leader: int) -> None:
    """Kill the rest of a process group whose leader was not stopped but crashed."""
    with contextlib.suppress(OSError):  # the usual case: the group is empty
        os.killpg(leader, signal.SIGKILL)
