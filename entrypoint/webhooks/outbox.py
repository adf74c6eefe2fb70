"""A: the webhooks that are to be sent: one file each on the volume, and a file of those that were given up."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.system.files import open_regular, read_table, remove, write_json
from entrypoint.system.notify import pending_folder
from entrypoint.webhooks.message import shown

#: Webhooks that wait, and bytes of those that were given up.
MOST, _DEAD_BYTES = 1000, 1 << 20


@dataclass(slots=True)
class Letter:
    """A webhook that is to be sent.

    Attributes:
        identity: The webhook's id.
        to: The setting with the address, ON_DONE or ON_PROBLEM; or an address.
        kind: The event's type.
        at: When it happened, in seconds since 1970.
        data: What happened.
        files: Outputs whose addresses are added once they are delivered.
        attempts: Attempts that have failed.
        problem: Why the last one has.
    """

    identity: str
    kind: str
    at: float
    to: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    attempts: int = 0
    problem: str = ""


class Outbox:
    """The letters, oldest first. `dead`: the file of those that were given up."""

    def __init__(self, paths: Paths) -> None:
        self._pending = pending_folder(paths)
        self._folder = os.path.dirname(self._pending)
        self.dead = f"{self._folder}/dead-letters.jsonl"
        self.letters: dict[str, Letter] = {}

    def read(self) -> None:
        """Read what an earlier start has left; a file that is no letter is passed over."""
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(self._pending) if name.endswith(".json"))
            found = [_letter(read_table(f"{self._pending}/{name}")) for name in names[:MOST]]
            self.letters = {each.identity: each for each in sorted(filter(None, found), key=lambda each: each.at)}

    def add(self, letter: Letter) -> None:
        """Keep a letter. Raises OSError: the volume refuses; it is sent all the same, while this process lives."""
        if letter.identity in self.letters:
            return
        self.letters[letter.identity] = letter
        while len(self.letters) > MOST:
            self.give_up(next(iter(self.letters.values())))
        self.keep(letter)

    def keep(self, letter: Letter) -> None:
        """Write a letter that has changed. Raises OSError: the volume refuses."""
        os.makedirs(self._pending, exist_ok=True)
        write_json(self._path(letter), asdict(letter), 0o600, durable=letter.attempts == 0)

    def sent(self, letter: Letter) -> None:
        """Forget a letter that has arrived."""
        self.letters.pop(letter.identity, None)
        with contextlib.suppress(OSError):
            remove(self._path(letter))

    def give_up(self, letter: Letter) -> None:
        """Move a letter to the file `dead`, of which one older file is kept."""
        path = self.dead
        with contextlib.suppress(OSError):
            os.makedirs(self._folder, exist_ok=True)
            if _size(path) > _DEAD_BYTES:
                os.replace(path, f"{path}.1")
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(letter) | {"to": shown(letter.to)}) + "\n")
        self.sent(letter)

    def _path(self, letter: Letter) -> str:
        return f"{self._pending}/{letter.identity}.json"


def _size(path: str) -> int:
    try:
        with open_regular(path) as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return 0


def _letter(table: Mapping[str, Any]) -> Letter | None:
    try:
        identity = str(table["identity"])
        if not identity.startswith("msg_") or not identity[4:].isalnum():
            return None
        return Letter(
            identity=identity, kind=str(table["kind"]), at=float(table["at"]), to=str(table["to"]),
            data=dict(table["data"]),
            files=[str(each) for each in table["files"]], attempts=int(table["attempts"]),
            problem=str(table["problem"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
