"""The last hour's samples."""

import json

from entrypoint.status.history import History, Sample, make_sample
from entrypoint.status.schema import Cpu, Memory


def some(at: float) -> Sample:
    return make_sample(at, Cpu(used_percent=1.0, cores=1.0), Memory(used_bytes=2, limit_bytes=3, oom_kills=0), (), ())


def test_the_history_drops_the_oldest_samples_and_returns_newer_ones() -> None:
    history = History(kept=3)
    for at in (1.0, 2.0, 3.0, 4.0):
        history.add(some(at))
    assert [each[0] for each in history.since(0)] == [2.0, 3.0, 4.0]
    assert [each[0] for each in history.since(3.0)] == [4.0]
    assert json.loads(json.dumps(history.since(3.0))) == [[4.0, 1.0, 2, [], [], []]]
