"""A: stores the conditions that hold now, one JSON file each, in `<runtime>/conditions/`.

With one file per condition every process can raise and clear its own without a lock.
"""

from __future__ import annotations

import math
import os
import time

from entrypoint.conditions.condition import Condition
from entrypoint.system.files import read_table, remove, write_json

#: Characters of a condition's reason, at most.
_LONGEST = 4000


def raise_condition(runtime: str, condition: Condition) -> bool:
    """Record `condition`; True if it is new or has changed, so that the caller logs it once.

    Raises:
        OSError: The runtime folder cannot be written.
    """
    path = os.path.join(runtime, "conditions", condition.name + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    old = _load(path)
    if old is not None and old[0] == condition:
        return False
    fields = {"name": condition.name, "reason": condition.reason, "remedy": condition.remedy}
    write_json(path, {**fields, "since": time.time()})
    return True


def clear_condition(runtime: str, name: str) -> bool:
    """Remove the condition called `name`; True if it was recorded."""
    return remove(os.path.join(runtime, "conditions", name + ".json"))


def read_conditions(runtime: str) -> list[Condition]:
    """Return every condition that holds, oldest first."""
    return [condition for condition, _ in conditions_since(runtime)]


def conditions_since(runtime: str) -> list[tuple[Condition, float]]:
    """Return every condition that holds and since when (seconds since 1970), oldest first."""
    folder = os.path.join(runtime, "conditions")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = [_load(os.path.join(folder, name)) for name in names if name.endswith(".json")]
    return sorted((pair for pair in found if pair), key=lambda pair: pair[1])


def _load(path: str) -> tuple[Condition, float] | None:
    fields = read_table(path)
    try:
        words = (_one_line(str(fields[key])) for key in ("name", "reason", "remedy"))
        condition, since = Condition(*words), float(fields["since"])
    except (ValueError, KeyError, TypeError, OverflowError):  # the services' user can write anything to the folder
        return None
    return (condition, since) if math.isfinite(since) else None


def _one_line(text: str) -> str:
    """The text without line breaks, escape sequences and lone surrogates, which no terminal and no encoder takes."""
    return "".join(character if character.isprintable() else " " for character in text[:_LONGEST])
