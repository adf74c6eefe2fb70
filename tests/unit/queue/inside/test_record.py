"""The journal's state machine as a table, and its lines."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.queue.inside.record import (
    ASIDE,
    ENDED,
    MOST_ENDED,
    PENDING,
    State,
    apply,
    decode,
    encode,
    forget_ended,
    header_of,
    live,
    replay,
    settle,
)

PUT = {"e": "put", "id": "a", "number": 1, "outputs": ["7", "9"], "at": 5.0}
START, END = {"e": "start", "id": "a", "at": 6.0}, {"e": "end", "id": "a", "how": "success", "at": 9.0}
OUT = [{"e": "out", "id": "a", "node": node} for node in ("7", "9")]
BACK, SET_ASIDE = {"e": "back", "id": "a"}, {"e": "aside", "id": "a", "why": "w"}
STOP = {"e": "stop", "at": 8.0}
JOURNAL = {"e": "journal", "version": 1}


def after(*headers: dict[str, Any]) -> State:
    return replay([encode(header, b"{}" if header["e"] == "put" else b"") for header in headers])


@pytest.mark.parametrize(
    ("headers", "status", "deaths"),
    [
        ([PUT], PENDING, 0),
        ([PUT, START], PENDING, 1),  # it ran when ComfyUI died
        ([PUT, START, STOP], PENDING, 0),  # ComfyUI was stopped
        ([PUT, START, STOP, JOURNAL], PENDING, 0),
        ([PUT, START, OUT[0]], PENDING, 1),
        ([PUT, START, *OUT], ENDED, 0),  # every output is there: its end was not written
        ([PUT, START, END], ENDED, 0),
        ([PUT, START, END, START], ENDED, 0),
        ([PUT, END], ENDED, 0),  # deleted
        ([PUT, PUT, END], ENDED, 0),
        ([PUT, START, END, PUT], PENDING, 0),  # accepted again, on purpose
        ([PUT | {"deaths": 1}, START], ASIDE, 2),
        ([PUT | {"deaths": 1}, START, STOP], PENDING, 1),
        ([PUT, SET_ASIDE], ASIDE, 0),
        ([PUT, SET_ASIDE, START], ASIDE, 0),
        ([PUT | {"deaths": 2, "why": "w"}, BACK], PENDING, 0),
        ([PUT, SET_ASIDE, END], ENDED, 0),
        ([PUT, BACK], PENDING, 0),
        ([START], None, 0),
        ([OUT[0]], None, 0),
        ([END], ENDED, 0),  # its first line was lost
    ],
)  # fmt: skip
def test_what_becomes_of_a_prompt(headers: list[dict[str, Any]], status: str | None, deaths: int) -> None:
    state = after(*headers)
    settle(state, 10.0)
    found = state.prompts.get("a")
    assert (found and found.status, found.deaths if found else 0) == (status, deaths)


@pytest.mark.parametrize(("stopped_at", "deaths"), [(0.0, 1), (5.9, 1), (6.1, 0)])
def test_a_restart_by_the_operator_is_no_fault_of_what_ran(stopped_at: float, deaths: int) -> None:
    state = after(PUT, START)
    settle(state, 10.0, stopped_at)
    assert state.prompts["a"].deaths == deaths


@pytest.mark.parametrize(
    "headers", [[PUT], [PUT, START], [PUT, START, OUT[0]], [PUT, SET_ASIDE], [PUT | {"deaths": 1}]]
)
def test_a_prompt_is_the_same_in_a_file_that_is_written_anew(headers: list[dict[str, Any]]) -> None:
    (prompt,) = live(after(*headers))
    (again,) = live(after(header_of(prompt)))
    again.place = prompt.place
    assert again == prompt


def test_a_second_put_changes_nothing_while_the_first_one_lives() -> None:
    state = after(PUT)
    assert not apply(state, PUT | {"number": 99})
    assert state.prompts["a"].number == 1


def test_prompts_run_in_their_order() -> None:
    numbers = {"b": 2, "front": -3, "c": 2.5, "a": 0}
    state = after(*(PUT | {"id": name, "number": number} for name, number in numbers.items()))
    assert [each.id for each in live(state)] == ["front", "a", "b", "c"]


LINES = [encode(PUT, b'{"prompt":{}}'), encode(START), encode(PUT | {"id": "b"}, b"{}"), encode(END)]


@pytest.mark.parametrize("cut", range(0, sum(map(len, LINES)), 7))
def test_a_torn_end_loses_its_own_line_alone(cut: int) -> None:
    content = b"".join(LINES)[:cut]
    lines = content.splitlines(keepends=True)
    whole = sum(line in LINES for line in lines)
    state = replay(lines)
    assert state.damaged == len(lines) - whole
    assert ("a" in state.prompts, "b" in state.prompts) == (whole >= 1, whole >= 3)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("byte", [0, 9, 30, -2])
def test_a_damaged_line_is_skipped_alone(number: int, byte: int) -> None:
    lines = [bytearray(line) for line in LINES]
    lines[number][byte] ^= 0x5A
    state = replay(bytes(line) for line in lines)
    assert state.damaged == 1
    assert len(state.prompts) == (2 if number in (0, 1, 3) else 1)


@pytest.mark.parametrize(
    "line",
    [b"\n", b"x\n", b"00000000\t\n", b"\xff\xfe\n", encode({"e": "put"}), encode({"id": 1}), encode({}), b"a" * 99],
)
def test_lines_of_no_journal_or_a_later_one_do_no_harm(line: bytes) -> None:
    state = replay([line, LINES[0]])
    assert list(state.prompts) == ["a"]


def test_a_line_is_read_back() -> None:
    body = b'{"prompt":{"1":{"inputs":{"text":"\\t\\n\\u00e4"}}}}'
    assert decode(encode(PUT, body)) == (PUT, body)


def test_the_newest_ended_ones_are_remembered() -> None:
    state = after(PUT | {"id": "lives"}, *(END | {"id": str(n)} for n in range(MOST_ENDED + 5)))
    forget_ended(state)
    assert len(state.prompts) == MOST_ENDED + 1
    assert list(state.prompts)[:2] == ["lives", "5"]
