"""How many threads, told as histories of a worker's clocks."""

import itertools

from entrypoint.volumes.pool_size import Pace, Sample


def feed(pace, seconds, used=0.0, queued=0.0, since=0.0, step=0.01):
    """A worker that for `seconds` computes and queues these shares of its time; the numbers of threads seen."""
    seen = []
    for tick in range(round(seconds / step) + 1):
        passed = tick * step
        pace.feed(Sample(since + passed, since + used * passed, queued * passed))
        seen.append(pace.threads)
    return seen


def test_a_worker_that_computes_stays_alone():
    """A local disk: company would fight for Python's lock."""
    assert set(feed(Pace(32), 10, used=0.9)) == {1}


def test_a_worker_that_waits_for_the_volume_gets_company_within_a_blink():
    assert feed(Pace(32), 0.05, used=0.1)[-1] == 32


def test_a_worker_that_waits_for_a_processor_stays_alone():
    """A busy machine, and a niced pass: more threads would not help."""
    assert set(feed(Pace(32), 10, used=0.1, queued=0.85)) == {1}


def test_company_pauses_now_and_then_and_comes_back_while_the_volume_is_slow():
    seen = feed(Pace(32), 8, used=0.05)
    assert 0 < seen.count(1) < len(seen) / 10
    pauses = sum(1 for before, after in itertools.pairwise(seen) if (before, after) == (32, 1))
    assert pauses == 3, "after 1, 2 and 4 seconds"


def test_company_goes_for_good_when_it_was_a_false_alarm():
    """A cold cache looks like a slow volume for a moment."""
    pace = Pace(32)
    feed(pace, 0.5, used=0.05)
    assert pace.threads == 32
    assert set(feed(pace, 5, used=0.95, since=0.5)[200:]) == {1}


def test_one_thread_can_be_all_there_is():
    assert set(feed(Pace(1), 3, used=0.0)) == {1}
