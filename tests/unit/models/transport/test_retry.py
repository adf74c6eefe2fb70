"""How often a download is retried, and after how long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from entrypoint.models.errors import RetryableError
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.retry import RetryPolicy, StallDetector


def failure(error: BaseException) -> object:
    return SimpleNamespace(outcome=SimpleNamespace(exception=lambda: error))


def test_progress_renews_the_attempts() -> None:
    written = [0]
    policy = RetryPolicy(Limits(attempts=3, slowest=100), lambda: written[0], lambda: 0.5)
    plain = failure(RetryableError("x"))
    assert [policy.stop(plain) for _ in range(2)] == [False, False]
    written[0] = 100
    assert [policy.stop(plain) for _ in range(3)] == [False, False, True]


def test_an_origin_that_drips_for_ever_is_given_up() -> None:
    """Each attempt brings a few bytes: far less than the least rate."""
    written = [0]
    policy = RetryPolicy(Limits(attempts=3, slowest=100), lambda: written[0], lambda: 0.5)
    ended = []
    for _ in range(3):
        ended.append(policy.stop(failure(RetryableError("x"))))
        written[0] += 60
    assert ended == [False, False, True]


def test_waits_double_and_retry_after_counts() -> None:
    policy = RetryPolicy(Limits(attempts=9, first_wait=1, longest_wait=5), lambda: 0, lambda: 1.0)
    waits = []
    for _ in range(5):
        assert not policy.stop(failure(RetryableError("x")))
        waits.append(policy.wait(failure(RetryableError("x"))))
    assert waits == [1, 2, 4, 5, 5]
    assert policy.wait(failure(RetryableError("x", after=40))) == 41
    assert policy.stop(failure(RetryableError("x", after=301)))


def test_a_connection_that_drips_fails_and_a_slow_one_does_not() -> None:
    slow = StallDetector(Limits(stall_timeout=10, slowest=100), 0)
    for second in range(1, 31):
        slow.received(11, second)
    drips = StallDetector(Limits(stall_timeout=10, slowest=100), 0)
    drips.received(50, 9)
    with pytest.raises(RetryableError, match="only 51 bytes in 10 s"):
        drips.received(1, 10)
