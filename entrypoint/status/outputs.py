"""P: the snapshot's field `outputs`, and its schema."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoint.system.outputs_state import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The delivery of ComfyUI's outputs (entrypoint/outputs).

    Attributes:
        to: The destination, OUTPUTS_TO.
        known: Whether the program that delivers runs; else the numbers are 0.
        delivered, total: Files in the output folder: the delivered ones, and all.
        text: The same in words, with the reason of what is wrong.
        remedy: What to do about that; "": nothing is wrong.
    """

    to: str
    known: bool
    delivered: int
    total: int
    text: str
    remedy: str


def outputs(state: Delivery) -> Outputs | None:
    """The field; null where OUTPUTS_TO is not set."""
    if not state.wanted:
        return None
    return Outputs(
        to=state.to, known=state.known, delivered=state.delivered, total=state.total, text=state.text(),
        remedy=state.remedy,
    )  # fmt: skip
