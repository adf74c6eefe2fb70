"""What is left, what is complete, and when a failed file is tried again."""

from __future__ import annotations

from entrypoint.outputs.backlog import MOST_BYTES, MOST_FILES, SETTLED_S, Backlog
from entrypoint.outputs.names import Found
from entrypoint.outputs.problems import Problem

NOW = 1_000_000.0
OLD = int((NOW - 100) * 1e9)
PROBLEM = Problem("why", "what to do")


def looked(found: dict[str, Found], *delivered: str, now: float = NOW) -> Backlog:
    backlog = Backlog()
    for _ in range(2):
        backlog.look(found, lambda name, _: name in delivered, now)
    return backlog


def test_a_file_is_complete_after_two_looks_without_a_change() -> None:
    backlog = Backlog()
    sizes = (1, 2, 2, 2)
    ready = []
    for size in sizes:
        backlog.look({"a": Found(size, OLD)}, lambda *_: False, NOW)
        ready.append(backlog.ready)
    assert ready == [(), (), ("a",), ("a",)]


def test_a_young_file_waits_and_one_of_the_future_does_not() -> None:
    young, later = Found(1, int((NOW - SETTLED_S / 2) * 1e9)), Found(1, int((NOW + 3600) * 1e9))
    assert looked({"young": young, "later": later}).ready == ("later",)


def test_a_batch_is_the_oldest_files_up_to_a_count_and_a_size() -> None:
    files = {f"{number:03}": Found(1, OLD + number) for number in range(MOST_FILES + 5)}
    assert looked(files, "000").batch(NOW) == sorted(files)[1 : MOST_FILES + 1]
    large = {name: Found(MOST_BYTES, OLD) for name in "ab"}
    assert looked(large).batch(NOW) == ["a"]


def look_again(backlog: Backlog, now: float) -> Backlog:
    backlog.look(backlog.found, lambda name, _: name not in backlog.waiting, now)
    return backlog


def test_where_the_destination_is_down_every_file_waits_and_longer_each_time() -> None:
    backlog = looked({f"{number:02}": Found(1, OLD) for number in range(12)})
    waits = []
    for number in range(11):
        backlog.attempted([f"{number:02}"], (), {f"{number:02}": PROBLEM}, NOW)
        waits.append(backlog.next - NOW)
        assert backlog.batch(NOW) == []
    assert 1 <= waits[0] <= 2
    assert all(60 <= wait <= 120 for wait in waits[7:])
    assert look_again(backlog, NOW).batch(NOW + 120) == sorted(backlog.found)
    backlog.try_now()
    assert backlog.batch(NOW) == sorted(backlog.found)


def test_a_file_that_fails_alone_holds_back_no_other() -> None:
    backlog = looked({name: Found(1, OLD) for name in "abc"})
    backlog.attempted("ab", "a", {"b": PROBLEM}, NOW)
    assert backlog.batch(NOW) == ["c"]
    assert backlog.waiting == ("b", "c")
    assert look_again(backlog, NOW).batch(NOW + 2) == ["b", "c"]
    backlog.attempted("b", (), {"b": PROBLEM}, NOW)  # again, with no other file in its batch
    assert backlog.batch(NOW) == ["c"]


def test_a_file_that_is_gone_or_written_to_waits_for_the_next_look() -> None:
    backlog = looked({name: Found(1, OLD) for name in "ab"})
    backlog.attempted("a", (), {}, NOW)
    backlog.put_off("b")
    assert backlog.batch(NOW) == []
    assert look_again(backlog, NOW).batch(NOW) == ["a", "b"]


def test_a_failure_is_forgotten_with_its_file_and_when_that_changes() -> None:
    backlog = looked({"a": Found(1, OLD), "b": Found(1, OLD)})
    backlog.attempted("ab", (), {"a": PROBLEM, "b": PROBLEM}, NOW)
    backlog.look({"a": Found(2, OLD)}, lambda *_: False, NOW)
    assert backlog.failures == {}
