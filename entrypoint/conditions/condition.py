"""P: the vocabulary of things that can't be done: a name, a reason, a remedy.

A condition is never a crash of something else. It is logged once, kept in the runtime folder
(`condition_store`), and shown wherever the pod's state is shown. The names follow the habit of Kubernetes'
conditions: one CamelCase word that scripts can match.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now.

    Attributes:
        name: CamelCase, stable: `VolumeReadOnly`.
        reason: What is wrong, in one line, with the fact that shows it.
        remedy: What the user can do about it, in one line.
    """

    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}"


class CannotDo(Exception):
    """Raised by an acting module for a thing that can't be done; carries the condition to record."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(str(condition))
        self.condition = condition
