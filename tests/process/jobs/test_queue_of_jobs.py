"""The queue's folder: a job is neither lost nor left waiting, whichever of two files comes first or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from entrypoint.jobs.queue import Queue
from entrypoint.jobs.records import DONE, WAITING, Record
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.files import write_atomically

REQUEST: dict[str, Any] = {"workflow": {"1": {}}}


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    facts = Facts(mounts=frozenset(), uid=os.getuid(), temporary="/tmp", python="")
    return Queue(locate(Settings(home=str(tmp_path)), facts))


def test_a_job_that_ends_at_once_has_ended(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program `jobs` is woken by the request, and a job that is refused has ended within a millisecond."""

    def written(*given: Any, **more: Any) -> None:
        write_atomically(*given, **more)
        queue.records.write(Record("a", DONE))
        queue.finish("a")

    monkeypatch.setattr("entrypoint.jobs.queue.write_atomically", written)
    queue.add("a", REQUEST)
    found = queue.records.read("a")
    assert found is not None
    assert found.state == DONE
    assert queue.add("a", REQUEST).state == DONE
    assert queue.next() == ""


def test_a_record_whose_request_is_missing_gets_it_when_the_job_comes_again(queue: Queue) -> None:
    queue.add("a", REQUEST)
    queue.finish("a")  # as after the end of the pod between the two files
    found = queue.records.read("a")
    assert found is not None
    assert found.state == WAITING
    queue.add("a", REQUEST)
    assert (queue.next(), queue.request("a")) == ("a", REQUEST)


def test_a_job_that_the_volume_refuses_is_in_no_list(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("entrypoint.jobs.queue.write_atomically", refuse)
    with pytest.raises(OSError, match="No space"):
        queue.add("a", REQUEST)
    assert list(queue.records.all()) == []
