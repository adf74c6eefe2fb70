"""A: one program under our own restart policy: what we change in supervisord's Subprocess.

Every override falls back to what stock supervisord does if ours raises. Each internal that is used here is
named by tests/contract/test_supervisor_internals.py.
"""

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from supervisor import process
from supervisor.datatypes import RestartUnconditionally
from supervisor.states import ProcessStates as States
from supervisor.states import getProcessStateDescription

from entrypoint.supervision import exits, orphans
from entrypoint.supervision.child import become_child
from entrypoint.supervision.policy import Backoff, GiveUp
from entrypoint.supervision.wakeup import NEVER

if TYPE_CHECKING:
    from entrypoint.supervision.keeper import Keeper

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)
"""The signals supervisord handles."""
NOT_STARTED = (States.STOPPED, States.BACKOFF, States.EXITED)
"""States from which supervisord may start a program on its own."""


class Program(process.Subprocess):  # type: ignore[misc]  # supervisor has no type hints
    """A supervised program. supervisord's objects are turned into this class after they were built."""

    keeper: "Keeper"
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
    _backoff: Backoff | None = None
    _mark = ""
    _started_at = 0.0
    _started_on: float | None = None
    _last_reason: str | None = None
    _retry_at: float | None = None
    _kill_at: float | None = None
    _gave_up = False
    _oom_kills = 0
    _reason = exits.Reason("spawn", "could not be started")
    _spawnerr: str | None = None

    @property
    def name(self) -> str:
        return str(self.config.name)

    @property
    def mark(self) -> str:
        """What the running process and all its descendants carry; empty when nothing runs."""
        return self._mark if self.pid else ""

    @property
    def owned(self) -> bool:
        """Do we own its restarts? One-shots (`autorestart=false`) are left to stock supervisord."""
        return bool(self.config.autorestart)

    @property
    def spawnerr(self) -> str | None:
        """What `supervisorctl status` shows beside BACKOFF: the reason, and a countdown true when asked."""
        if self.state == States.BACKOFF and self._retry_at is not None:
            left = max(0.0, self._retry_at - time.monotonic())
            return f"{self._reason.text}; restart #{self.restarts + 1} in {left:.1f}s"
        return self._spawnerr

    @spawnerr.setter
    def spawnerr(self, text: str | None) -> None:
        self._spawnerr = text

    def facts(self) -> dict[str, Any]:
        """What programs.json says about this program (see the journal)."""
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
        """Monotonic time at which this program needs the loop to turn."""
        if self.state == States.BACKOFF and self._retry_at is not None:
            return self._retry_at
        if self.state == States.STOPPING and self._kill_at is not None:
            return self._kill_at
        if self.state == States.STARTING:
            return self._started_at + float(self.config.startsecs) + 0.002  # stock asks for *more than* startsecs
        return NEVER

    # -- start ----------------------------------------------------------------------------------------

    def spawn(self) -> Any:
        """Stock, with signals held back: between fork and exec the child still has supervisord's handlers.

        They would swallow a SIGTERM sent by an early stop, and the program would live until stopwaitsecs.
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
            self._history().reset()
        if not restarted and self.starts:
            self._record(exits.OPERATOR, uptime=0.0, delay=0.0)
        self.restarts += bool(self.starts)
        self.starts += 1
        self._mark = orphans.new_mark(self.name)
        self._retry_at = None
        self._gave_up = False
        self._reason = exits.Reason("spawn", "could not be started")
        self._started_at = time.monotonic()
        self._started_on = time.time()
        self._oom_kills = self.keeper.oom_kills()

    def _spawn_as_child(self, filename: str, argv: list[str]) -> None:
        become_child(HANDLED, self._mark, self.keeper.section.oom_score_adj)
        super()._spawn_as_child(filename, argv)

    # -- end ------------------------------------------------------------------------------------------

    def finish(self, pid: int, sts: int) -> None:
        """Stock, and then what we make of it."""
        if self.owned:  # a quick exit is an exit: stock hides its code and has another road for it
            self.laststart = min(self.laststart, time.time() - self.config.startsecs - 0.001)
        try:
            super().finish(pid, sts)
        except Exception:
            self._report()
            self._finish_by_force()
        self._guarded(lambda: self._after_finish(pid, os.waitstatus_to_exitcode(sts)))

    def _finish_by_force(self) -> None:
        """Stock gave up half-way (an assertion about states); an exception here would end supervisord."""
        self.config.options.close_parent_pipes(self.pipes)
        self.pid, self.pipes, self.dispatchers, self.killing = 0, {}, {}, False
        self.state = States.EXITED

    def _after_finish(self, pid: int, code: int) -> None:
        self._kill_at = None
        self.keeper.ended(self)
        if self.config.killasgroup:
            _kill_group(pid)
        reason = self.keeper.why(self, pid, code, self.keeper.oom_kills() - self._oom_kills)
        if self.state == States.EXITED and self.owned and self.keeper.running and self._wants_restart(code, reason):
            self._reason = reason
            self.change_state(States.BACKOFF)
        self.keeper.wakeup.kick()

    def _wants_restart(self, code: int, reason: exits.Reason) -> bool:
        if self.config.autorestart is RestartUnconditionally or reason is exits.WANTED:
            return True
        return code not in self.config.exitcodes

    def change_state(self, new_state: int, expected: bool = True) -> Any:
        """Stock, and BACKOFF (from an exit or from a start that failed) is planned by our policy."""
        result = super().change_state(new_state, expected)
        if new_state == States.BACKOFF and self.owned:
            self._guarded(self._plan)
        elif new_state in (States.STOPPED, States.STOPPING):
            self._retry_at = None
        self.keeper.changed = True
        return result

    def _plan(self) -> None:
        self._retry_at = None  # if what follows raises, stock supervisord's own delay holds
        if self._reason.kind == "spawn" and self._spawnerr:
            self._reason = exits.Reason("spawn", self._spawnerr)
        now = time.monotonic()
        uptime = now - self._started_at
        if self._reason is exits.WANTED:
            decision = self._history().after_wanted_exit(uptime, now, settled=float(self.config.startsecs))
        else:
            decision = self._history().after_exit(uptime, now)
        self._gave_up = isinstance(decision, GiveUp)
        delay = None if isinstance(decision, GiveUp) else decision.delay
        self._retry_at = now + (delay or 0.0)
        self.keeper.wakeup.kick()
        if delay is not None:
            self.keeper.will_restart(self, self._reason, delay)
        self._guarded(lambda: self._record(self._reason, uptime, delay))

    def _record(self, reason: exits.Reason, uptime: float, delay: float | None) -> None:
        self._last_reason = reason.text
        self.keeper.journal.add(self.name, self.restarts + 1, reason, uptime, delay)

    def _history(self) -> Backoff:
        if self._backoff is None:
            self._backoff = self.keeper.new_backoff()
        return self._backoff

    # -- in between -----------------------------------------------------------------------------------

    def kill(self, sig: int) -> Any:
        """Stock, and the deadline for SIGKILL is kept on a clock that nobody sets."""
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
        """Do what is ours; False: the rest is stock supervisord's."""
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
        if self._gave_up:
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
    """Group members that outlived a leader which was not stopped but crashed."""
    with contextlib.suppress(OSError):  # the usual case: nobody left
        os.killpg(leader, signal.SIGKILL)
