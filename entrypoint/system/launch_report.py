"""A: reports what a launcher has found: the conditions of a launch, and the exit code of one that they prevent."""

from __future__ import annotations

from entrypoint.conditions.condition import Condition
from entrypoint.conditions.registry import blocked_services, cleared_by
from entrypoint.system.condition_store import clear_condition, raise_condition

#: supervisord restarts the program after EX_TEMPFAIL, not after EX_CONFIG (`exitcodes` in supervisord.conf).
EX_TEMPFAIL, EX_CONFIG = 75, 78


def report_launch(runtime: str, program: str, conditions: list[Condition]) -> int:
    """Record the conditions of this launch, clear those of an earlier one, and return the exit code of a failure."""
    found = {condition.name for condition in conditions}
    for name in cleared_by(program) - found:
        clear_condition(runtime, name)
    for condition in conditions:
        raise_condition(runtime, condition)
        print(f"{program}: {condition}", flush=True)
    return EX_CONFIG if blocked_services(found) else EX_TEMPFAIL
