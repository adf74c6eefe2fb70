"""P: when a program that ended is started again: full jitter, a reset after a quiet minute, give-up."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

Wait = Callable[[int], float]
"""Delayed attempt, counted from 1 -> seconds to wait."""


class RestartPolicy(NamedTuple):
    """How restarts of one program are spaced. All times are in seconds.

    The words are systemd's (RestartSec, RestartMaxDelaySec, StartLimitBurst, StartLimitIntervalSec) where
    it has a word for the thing.
    """

    base: float = 1.0
    """Width of the first jitter window; each further one is twice as wide."""
    cap: float = 60.0
    """No window is wider than this."""
    floor: float = 0.05
    """Full jitter may draw 0, and a program that dies at once would then spin."""
    stable_after: float = 60.0
    """A run this long forgives what was before."""
    burst: int = 0
    """This many failures inside `interval` mean giving up; 0: never give up."""
    interval: float = 600.0


class Restart(NamedTuple):
    """Start the program again after `delay` seconds."""

    delay: float


class GiveUp(NamedTuple):
    """Don't start the program again: it failed `failures` times inside the policy's interval."""

    failures: int


def full_jitter(policy: RestartPolicy) -> Wait:
    """Windows of tenacity's `wait_random_exponential`: random in [floor, base * 2^(attempt - 1)], capped.

    tenacity brings asyncio along (+4 MiB and about 60 ms), so it is imported with the first restart that
    has to wait: never before the first spawn, and not at all in a pod where nothing crashes twice.
    """
    strategy: Callable[[int], float] | None = None

    def wait(attempt: int) -> float:
        nonlocal strategy
        if strategy is None:
            strategy = _tenacity_strategy(policy)
        return min(policy.cap, max(policy.floor, strategy(attempt)))

    return wait


def _tenacity_strategy(policy: RestartPolicy) -> Callable[[int], float]:
    from tenacity import RetryCallState, wait_random_exponential

    jitter = wait_random_exponential(multiplier=policy.base, max=policy.cap, min=policy.floor)

    def draw(attempt: int) -> float:
        state = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # only its number is read
        state.attempt_number = attempt
        return jitter(state)

    return draw


class Backoff:
    """The restart history of one program, and what follows from it."""

    def __init__(self, policy: RestartPolicy, wait: Wait | None = None) -> None:
        self._policy = policy
        self._wait = wait or full_jitter(policy)
        self._failed_at: deque[float] = deque(maxlen=max(policy.burst, 1))
        self.failures = 0
        """Unwanted exits in a row."""

    def reset(self) -> None:
        """Forget the past: the operator started the program, or it ran long enough."""
        self.failures = 0
        self._failed_at.clear()

    def after_exit(self, uptime: float, now: float) -> Restart | GiveUp:
        """Decide after an unwanted exit. `uptime` and `now` are monotonic seconds.

        The first failure is answered at once: most crashes are single ones, and waiting helps nobody.
        """
        policy = self._policy
        if uptime >= policy.stable_after:
            self.reset()
        self.failures += 1
        self._failed_at.append(now)
        recent = sum(now - failed_at <= policy.interval for failed_at in self._failed_at)
        if policy.burst and recent >= policy.burst:
            return GiveUp(self.failures)
        return Restart(self._wait(self.failures - 1) if self.failures > 1 else 0.0)

    def after_wanted_exit(self, uptime: float, now: float, settled: float) -> Restart | GiveUp:
        """Decide after an exit that asked for a restart.

        It is no failure and is answered at once, unless the program never got settled (`settled` seconds):
        asking for a restart over and over is a crash loop with good manners.
        """
        return Restart(0.0) if uptime >= settled else self.after_exit(uptime, now)
