"""A: what podkeeper's own programs read of the journals (every prompt, one by its id, the report of ComfyUI's keeper),
and how they ask the keeper for something."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from entrypoint.queue.inside import record
from entrypoint.queue.inside.files import lines_of, open_file
from entrypoint.queue.inside.lease import JOURNAL, folder_of, owner_of
from entrypoint.queue.inside.names import REPORT, REQUEST
from entrypoint.queue.inside.record import Kept, State
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_table, write_json


class Found(NamedTuple):
    """A journal on the volume. `owner`: the pod's id, or a random name; `ours`: whether it is this pod's."""

    owner: str
    ours: bool
    state: State


def read_journals(settings: Settings, paths: Paths) -> list[Found]:
    """Every journal on the volume, this pod's first. One that cannot be read counts as damaged.

    Raises:
        OSError: The volume refuses.
    """
    folder = folder_of(paths.models_state)
    own = owner_of(paths.runtime, settings.pod_id)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    owners = sorted((name[: -len(JOURNAL)] for name in names if name.endswith(JOURNAL)), key=lambda each: each != own)
    return [Found(owner, owner == own, _read(f"{folder}/{owner}{JOURNAL}")) for owner in owners]


def _read(path: str) -> State:
    try:
        with open_file(path) as file:
            return record.replay(lines_of(file.fileno()))
    except OSError:
        return State(damaged=1)


def find(settings: Settings, paths: Paths, prompt_id: str) -> Kept | None:
    """What is known of the prompt with this id; None: it was never accepted, or ended before the last 1,000.

    An id that two pods have had is the live one's. Raises OSError: the volume refuses.
    """
    found = [found for each in read_journals(settings, paths) if (found := each.state.prompts.get(prompt_id))]
    return min(found, key=lambda each: not each.is_live(), default=None)


def read_report(paths: Paths) -> dict[str, Any]:
    """The keeper's report (keeper.py); {}: ComfyUI has not started, or QUEUE_RESTORE=false."""
    return read_table(f"{paths.reports}/{REPORT}")


def ask(paths: Paths, verb: str, ids: list[str]) -> None:
    """Ask the keeper to `restore` or `drop` prompts; no ids: all that are set aside or wait for an answer.

    ComfyUI does so within a second, or once it runs. Raises OSError: the runtime folder refuses.
    """
    write_json(f"{paths.requests}/{REQUEST}{os.urandom(6).hex()}", {"do": verb, "ids": ids})
