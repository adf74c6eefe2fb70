"""Lines of /proc/PID/stat as Linux 6.18 writes them."""

from __future__ import annotations

import pytest

from entrypoint.meter.foreground import Process, descendants, jobs, parse, ticks_between, transfers


def stat(pid: int, name: str, group: int, session: int, foreground: int, *, state: str = "S", tty: int = 34816,
         parent: int = 1, ticks: int = 0) -> Process:  # fmt: skip
    line = f"{pid} ({name}) {state} {parent} {group} {session} {tty} {foreground} 4194304 1 2 3 4 {ticks} 1 1 1 20 0 1"
    found = parse(line.encode())
    assert found is not None
    return found


def test_a_line_is_read() -> None:
    found = parse(b"4242 (we) ird) name) S 7 8 9 34816 10 4194304 100 0 0 0 5 6 7 8 20 0 1 0 999")
    assert found == Process(4242, "we) ird) name", "S", 7, 8, 9, 34816, 10, 26)


@pytest.mark.parametrize("line", [b"", b"1 (init", b"1 (init) S 0 1", b"x (y) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"])
def test_a_line_that_is_cut_is_none(line: bytes) -> None:
    assert parse(line) is None


SHELL = stat(100, "bash", 100, 100, 100)
WAITING = stat(100, "bash", 100, 100, 120)
MUX = stat(120, "tmux: client", 120, 100, 120)
DAEMON = stat(300, "python", 300, 300, -1, tty=0)


@pytest.mark.parametrize(
    ("processes", "names"),
    [
        ([SHELL], []),
        ([WAITING, stat(120, "sleep", 120, 100, 120)], ["sleep"]),
        ([WAITING, stat(120, "bash", 120, 100, 120), stat(121, "python", 120, 100, 120)], ["bash", "python"]),
        ([SHELL, stat(130, "python", 130, 100, 100)], []),  # in the background
        ([WAITING, stat(120, "sleep", 120, 100, 120, state="Z")], []),
        ([WAITING, MUX], []),
        ([WAITING, MUX, stat(500, "bash", 500, 500, 510), stat(510, "htop", 510, 500, 510)], ["htop"]),
        ([DAEMON], []),
        ([stat(100, "bash", 100, 100, -1)], []),
    ],
)
def test_jobs_in_the_foreground(processes: list[Process], names: list[str]) -> None:
    assert jobs(processes) == names


def test_programs_that_transfer_are_work_without_a_terminal() -> None:
    found = [stat(2, "aria2c", 2, 2, -1, tty=0), stat(3, "git", 3, 3, -1, tty=0, state="Z"), stat(4, "nginx", 4, 4, -1)]
    assert transfers(found) == ["aria2c"]


def test_only_the_pods_own_processes_count_in_local_mode() -> None:
    every = [stat(2, "a", 2, 2, 2, parent=1), stat(3, "b", 3, 3, 3, parent=2), stat(9, "c", 9, 9, 9, parent=8)]
    assert [each.pid for each in descendants(every, 1)] == [2, 3]


def test_processor_time_since_the_last_look() -> None:
    now = [stat(2, "a", 2, 2, 2, ticks=50), stat(3, "new", 3, 3, 3, ticks=10)]
    assert ticks_between({2: 43, 7: 900}, now) == 10 + 13
