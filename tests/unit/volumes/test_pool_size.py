"""The number of threads, over histories of a worker's clocks."""

import itertools

from entrypoint.volumes.pool_size import PoolSize, Sample


def threads_over_time(
    pool: PoolSize, seconds: float, used: float = 0.0, queued: float = 0.0, since: float = 0.0, step: float = 0.01
) -> list[int]:
    """The pool sizes while a worker computes and queues these shares of `seconds`."""
    seen: list[int] = []
    for tick in range(round(seconds / step) + 1):
        passed = tick * step
        pool.add_sample(Sample(since + passed, since + used * passed, queued * passed))
        seen.append(pool.threads)
    return seen


def test_one_thread_while_the_worker_computes() -> None:
    """A local disk: more threads would contend for the GIL."""
    assert set(threads_over_time(PoolSize(32), 10, used=0.9)) == {1}


def test_all_threads_within_50_ms_while_the_worker_waits_for_the_volume() -> None:
    assert threads_over_time(PoolSize(32), 0.05, used=0.1)[-1] == 32


def test_one_thread_while_the_worker_waits_for_a_cpu() -> None:
    """A busy machine, and a niced pass: more threads would not help."""
    assert set(threads_over_time(PoolSize(32), 10, used=0.1, queued=0.85)) == {1}


def test_threads_pause_at_intervals_and_return_while_the_volume_is_slow() -> None:
    seen = threads_over_time(PoolSize(32), 8, used=0.05)
    assert 0 < seen.count(1) < len(seen) / 10
    pauses = sum(1 for before, after in itertools.pairwise(seen) if (before, after) == (32, 1))
    assert pauses == 3, "after 1, 2 and 4 seconds"


def test_one_thread_again_after_a_false_alarm() -> None:
    """A cold cache looks like a slow volume for a moment."""
    pool = PoolSize(32)
    threads_over_time(pool, 0.5, used=0.05)
    assert pool.threads == 32
    assert set(threads_over_time(pool, 5, used=0.95, since=0.5)[200:]) == {1}


def test_a_limit_of_one_thread() -> None:
    assert set(threads_over_time(PoolSize(1), 3, used=0.0)) == {1}
