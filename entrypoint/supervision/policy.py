"""P: the restart policy: what follows when a program's process ends or its start fails.

Full jitter, a reset after a stable run, and an optional give-up.
"""

import functools
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from entrypoint.supervision.exits import REQUESTED, REQUESTED_EXIT_CODE, Reason, reason_for_exit

Jitter = Callable[[int], float]  # Delayed attempt, counted from 1 -> seconds to wait.


#: Seconds after a trial that has ended: the trials' own maker bounds their number, not the policy.
TRIAL_DELAY = 0.5


class RestartPolicy(NamedTuple):
    """How restarts of one program are spaced. All times are in seconds.

    The words are systemd's (RestartSec, RestartMaxDelaySec, StartLimitBurst, StartLimitIntervalSec) where
    it has a word for the thing.
    """

    base: float = 1.0  # Width of the first jitter window; each further one is twice as wide.
    cap: float = 60.0  # No window is wider than this.
    floor: float = 0.05  # Full jitter may draw 0, and a program that exits at once would then spin.
    stable_after: float = 60.0  # A run this long resets the backoff.
    burst: int = 0  # This many failures inside `interval` mean giving up; 0: never give up.
    interval: float = 600.0


class Restart(NamedTuple):
    """Start the program again after `delay` seconds."""

    reason: Reason
    delay: float


class GiveUp(NamedTuple):
    """Do not start the program again, and end the container: it failed too often inside the policy's interval."""

    reason: Reason


class StayDown(NamedTuple):
    """Do not start the program again."""

    reason: Reason


Decision = Restart | GiveUp | StayDown


class Exit(NamedTuple):
    """The facts about a process that ended."""

    code: int  # Exit code, or minus the signal's number.
    uptime: float  # Seconds.
    autorestart: Literal["always", "unexpected", "never"] = "always"
    """supervisord's setting; `unexpected`: only after an exit code that is not in `exitcodes`."""
    exitcodes: tuple[int, ...] = ()
    startsecs: float = 0.0
    stopping: bool = False  # The operator stopped the program, or supervisord is shutting down or reloading.
    kill_note: Reason | None = None
    restart_requested: bool = False
    trial: bool = False  # The start was one of several to find out what ends the program: no failure of the program.
    oom_kills: int = 0  # Processes of the cgroup that the kernel killed for lack of memory during the process's life.


def on_exit(facts: Exit, backoff: "Backoff", now: float) -> Decision:
    """Decide what follows when a process ended: a kill note says more about the reason than the exit code does.

    A requested restart is no failure and comes at once, unless the program ran for less than `startsecs`: a program
    that keeps asking before it is up is in a crash loop.
    """
    requested = facts.restart_requested and facts.code == REQUESTED_EXIT_CODE and not facts.kill_note
    reason = REQUESTED if requested else facts.kill_note or reason_for_exit(facts.code, facts.oom_kills)
    wanted = facts.autorestart == "always" or requested or facts.code not in facts.exitcodes
    if facts.stopping or facts.autorestart == "never" or not wanted:
        return StayDown(reason)
    if facts.trial:
        return Restart(reason, TRIAL_DELAY)
    if requested and facts.uptime >= facts.startsecs:
        return Restart(reason, 0.0)
    return on_failure(reason, facts.uptime, backoff, now)


def on_failure(reason: Reason, uptime: float, backoff: "Backoff", now: float) -> Decision:
    """Decide what follows a failure, which may be a start that failed. `uptime` and `now` are monotonic seconds."""
    delay = backoff.add_failure(uptime, now)
    return GiveUp(reason) if delay is None else Restart(reason, delay)


class Backoff:
    """The recent failures of one program."""

    def __init__(self, policy: RestartPolicy, jitter: Jitter | None = None) -> None:
        self._policy = policy
        self._jitter = jitter or full_jitter(policy)
        self._failed_at: deque[float] = deque(maxlen=max(policy.burst, 1))
        self.failures = 0  # Failures in a row.

    def reset(self) -> None:
        """Forget all failures: the operator started the program, or it ran long enough."""
        self.failures = 0
        self._failed_at.clear()

    def add_failure(self, uptime: float, now: float) -> float | None:
        """Return the delay before the next start in seconds, or None to give up.

        The first failure is followed by a restart at once: most crashes are single ones, and a delay gains nothing.
        """
        policy = self._policy
        if uptime >= policy.stable_after:
            self.reset()
        self.failures += 1
        self._failed_at.append(now)
        recent = sum(now - failed_at <= policy.interval for failed_at in self._failed_at)
        if policy.burst and recent >= policy.burst:
            return None
        return self._jitter(self.failures - 1) if self.failures > 1 else 0.0


def full_jitter(policy: RestartPolicy) -> Jitter:
    """Windows of tenacity's `wait_random_exponential`: random in [floor, base * 2^(attempt - 1)], capped.

    tenacity brings asyncio along (+4 MiB and about 60 ms), so it is imported with the first restart that
    has to wait: never before the first spawn, and not at all in a pod where nothing crashes twice.
    """
    strategy = functools.cache(lambda: _tenacity_strategy(policy))
    return lambda attempt: min(policy.cap, max(policy.floor, strategy()(attempt)))


def _tenacity_strategy(policy: RestartPolicy) -> Jitter:
    from tenacity import RetryCallState, wait_random_exponential

    jitter = wait_random_exponential(multiplier=policy.base, max=policy.cap, min=policy.floor)

    def draw(attempt: int) -> float:
        state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # only its number is read
        state.attempt_number = attempt
        return jitter(state)

    return draw
