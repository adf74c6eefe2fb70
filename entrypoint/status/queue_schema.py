"""P: the part of `status.json` about ComfyUI's queue (schema.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A workflow that is not run again by itself. `why`: the reason; `at`: when it was queued."""

    id: str
    why: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """ComfyUI's queue, as it is kept on the volume (entrypoint/queue/inside/keeper.py).

    Attributes:
        waiting: How many workflows wait for their turn.
        asked: How many wait for `podkeeper queue restore` (QUEUE_RESTORE=ask).
        aside: The workflows that were set aside, at most 100.
        more: How many more were set aside.
        drained: Whether no workflow is accepted or begun.
    """

    waiting: int
    asked: int
    aside: tuple[SetAside, ...]
    more: int
    drained: bool
