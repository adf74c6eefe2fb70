"""P: conditions: a name, a reason and a remedy for each thing that is wrong with the pod.

A condition never stops anything else. It is logged once, stored in the runtime folder (`system.condition_store`) and
shown wherever the pod's state is shown. Names follow Kubernetes' conditions: one CamelCase word that scripts match.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now.

    Attributes:
        name: CamelCase and stable, for example `VolumeReadOnly`; an entry of `conditions.registry`.
        reason: What is wrong, in one line, with the fact that shows it.
        remedy: What the user can do, in one line.
    """

    name: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}; {self.remedy}"


class CannotDo(Exception):
    """An action that cannot be performed; carries the condition to record."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(str(condition))
        self.condition = condition
