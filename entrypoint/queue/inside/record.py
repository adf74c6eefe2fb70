"""P: the journal's lines, and what becomes of a prompt: a state machine that a replay of the lines runs again.

A line is `CRC32 TAB HEADER [TAB BODY] NEWLINE`; the header and the body are JSON, which has no raw tab or newline. A
line that was torn or damaged fails its checksum and is skipped, alone. Only headers are parsed in a replay: a body, the
workflow itself, can have 10 MB.

Headers:
    {"e": "journal", "version": 1, "owner", "boot", "device"}                     the first line of a file
    {"e": "put", "id", "number", "outputs", "at", "withheld", ...}                a prompt, with a body
    {"e": "start" | "out" | "end" | "aside" | "back", "id", "at", ...}            what happened to it
    {"e": "stop", "at"}                                                           ComfyUI has ended cleanly
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

VERSION = 1
PENDING, RUNNING, ASIDE, ENDED = "pending", "running", "aside", "ended"
#: How often ComfyUI may die while a prompt runs: the first time can be the fault of something that has passed.
MOST_DEATHS = 2
#: Ended prompts that are remembered, for "exactly once by id".
MOST_ENDED = 1000
#: Outputs of a prompt that are remembered as finished; no workflow comes near.
_MOST_OUTPUTS = 10_000


@dataclass
class Kept:
    """A prompt of the journal.

    Attributes:
        number: ComfyUI's order: the lowest runs first.
        outputs: The output nodes that are to be executed.
        client: The client that gets the results.
        withheld: Names of the secrets in `extra_data` that are not in the journal.
        finished: The output nodes that have been executed.
        deaths: How often ComfyUI died while it ran.
        how: For an ended one: success, error, interrupted, deleted, cleared, dropped.
        why: For one that is set aside: the reason.
        at: When it was accepted, later when it ended, in seconds since 1970.
        started: When it last began to run.
        place: Offset and length of its line in the file.
    """

    id: str
    status: str = PENDING
    number: float = 0.0
    outputs: tuple[str, ...] = ()
    client: str = ""
    withheld: tuple[str, ...] = ()
    finished: set[str] = field(default_factory=set)
    deaths: int = 0
    how: str = ""
    why: str = ""
    at: float = 0.0
    started: float = 0.0
    place: tuple[int, int] = (0, 0)

    def is_complete(self) -> bool:
        """Whether every output has been executed: the evidence where its end was not written any more."""
        return bool(self.outputs) and self.finished.issuperset(self.outputs)

    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.status != ENDED


@dataclass
class State:
    """What a journal says. `clean`: ComfyUI has ended cleanly since. `damaged`: how many lines could not be used."""

    prompts: dict[str, Kept] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    clean: bool = False
    damaged: int = 0


def encode(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A line. `body`: JSON without raw tabs and newlines, as `json.dumps` makes it."""
    line = json.dumps(header, separators=(",", ":")).encode()
    if body:
        line = b"%s\t%s" % (line, body)
    return b"%08x\t%s\n" % (zlib.crc32(line), line)


def decode(line: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The header and the body of a line; None where it is damaged."""
    checksum, tab, rest = line.rstrip(b"\n").partition(b"\t")
    try:
        if not tab or len(checksum) != 8 or int(checksum, 16) != zlib.crc32(rest):
            return None
        text, _, body = rest.partition(b"\t")
        header = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (header, body) if isinstance(header, dict) else None


def replay(lines: Iterable[bytes]) -> State:
    """What the lines of a file, each with its newline, say."""
    state, offset = State(), 0
    for line in lines:
        found = decode(line) if line.endswith(b"\n") else None
        if found is None:
            state.damaged += bool(line.strip())
        else:
            try:
                apply(state, found[0], (offset, len(line)))
            except (KeyError, TypeError, ValueError, OverflowError):  # of a later version
                state.damaged += 1
        offset += len(line)
    return state


def apply(state: State, header: dict[str, Any], place: tuple[int, int] = (0, 0)) -> bool:
    """One step of the state machine; returns whether it changed anything, so that only changes are written.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: The header is none.
    """
    event = header["e"]
    if event == "journal":
        state.about = header
        return True
    if event == "stop":
        state.clean = True
        return True
    state.clean = False
    name = str(header["id"])
    prompt = state.prompts.get(name)
    if event == "put":
        if prompt is not None and prompt.is_live():
            return False  # exactly once
        state.prompts.pop(name, None)  # ended ones stay in the order of their end
        state.prompts[name] = _put(name, header, place)
        return True
    if event == "end":
        return _end(state, name, header)
    return prompt is not None and _step(prompt, event, header)


def _put(name: str, header: dict[str, Any], place: tuple[int, int]) -> Kept:
    return Kept(
        id=name, number=float(header["number"]), outputs=tuple(map(str, header["outputs"])), at=float(header["at"]),
        client=str(header.get("client", "")), withheld=tuple(map(str, header.get("withheld", ()))),
        finished=set(map(str, header.get("finished", ()))), deaths=int(header.get("deaths", 0)),
        status=ASIDE if header.get("why") else RUNNING if header.get("started") else PENDING,
        why=str(header.get("why", "")), started=float(header.get("started", 0.0)), place=place,
    )  # fmt: skip


def _end(state: State, name: str, header: dict[str, Any]) -> bool:
    prompt = state.prompts.pop(name, None)
    state.prompts[name] = prompt if prompt and not prompt.is_live() else Kept(
        name, ENDED, how=str(header["how"]), at=float(header["at"])
    )  # fmt: skip
    if len(state.prompts) > 2 * MOST_ENDED:
        forget_ended(state)
    return prompt is None or prompt.is_live()


def _step(prompt: Kept, event: str, header: dict[str, Any]) -> bool:
    """The steps between the first and the last."""
    if event == "start" and prompt.status == PENDING:
        prompt.status, prompt.started = RUNNING, float(header["at"])
    elif event == "out" and prompt.status == RUNNING and len(prompt.finished) < _MOST_OUTPUTS:
        prompt.finished.add(str(header["node"]))
    elif event == "aside" and prompt.is_live():
        prompt.status, prompt.why = ASIDE, str(header["why"])
    elif event == "back" and prompt.status == ASIDE:
        prompt.status, prompt.why, prompt.deaths = PENDING, "", 0
    else:
        return False
    return True


def settle(state: State, now: float, stopped_at: float = 0.0) -> None:
    """Decide what becomes of the prompts that ran when ComfyUI ended, in place.

    Args:
        state: A replayed journal.
        now: Seconds since 1970.
        stopped_at: When the operator last restarted ComfyUI: no fault of a prompt that ran then.
    """
    for prompt in list(state.prompts.values()):
        if prompt.status != RUNNING:
            continue
        if prompt.is_complete():
            apply(state, {"e": "end", "id": prompt.id, "how": "success", "at": now})
            continue
        prompt.status = PENDING
        prompt.deaths += not state.clean and stopped_at <= prompt.started
        if prompt.deaths >= MOST_DEATHS:
            prompt.status = ASIDE
            prompt.why = f"ComfyUI died {prompt.deaths} times while it ran"


def header_of(prompt: Kept) -> dict[str, Any]:
    """The header that puts a live prompt, as it is now, into another file."""
    return {
        "e": "put", "id": prompt.id, "number": prompt.number, "outputs": list(prompt.outputs), "at": prompt.at,
        **({"client": prompt.client} if prompt.client else {}),
        **({"withheld": list(prompt.withheld)} if prompt.withheld else {}),
        **({"finished": sorted(prompt.finished)} if prompt.finished else {}),
        **({"deaths": prompt.deaths} if prompt.deaths else {}),
        **({"started": prompt.started} if prompt.status == RUNNING else {}),
        **({"why": prompt.why} if prompt.status == ASIDE else {}),
    }  # fmt: skip


def as_given(number: float) -> int | float:
    """ComfyUI's number of a prompt as it was: whole, unless the client gave another."""
    return int(number) if number.is_integer() else number


def live(state: State, *statuses: str) -> list[Kept]:
    """The prompts that have not ended, or those of `statuses`, in the order in which ComfyUI runs them."""
    wanted = statuses or (PENDING, RUNNING, ASIDE)
    return sorted((each for each in state.prompts.values() if each.status in wanted), key=lambda each: each.number)


def forget_ended(state: State) -> None:
    """Keep the newest ended prompts alone."""
    ended = [name for name, each in state.prompts.items() if not each.is_live()]
    for name in ended[: max(0, len(ended) - MOST_ENDED)]:
        del state.prompts[name]
