"""A: the condition that ComfyUI ends before it responds, with the line of its log that says why."""

from __future__ import annotations

from collections.abc import Sequence

from entrypoint.comfyui.last_words import is_wrong_argument, last_words
from entrypoint.conditions.condition import Condition
from entrypoint.packages.environment import dead_starts
from entrypoint.settings.paths import Paths
from entrypoint.system.files import last_lines
from entrypoint.system.redaction import Redactor

NAME = "ComfyUIFails"
#: Starts that may end before they respond without being called a failure: the first can be the fault of the moment.
_MOST_DEAD = 2
#: Bytes at the end of the log: a traceback through thirty nodes.
_TAIL = 256 << 10
_WRONG_ARGUMENT = "correct COMFYUI_ARGS, then restart the pod"


def by_argument(conditions: Sequence[Condition]) -> bool:
    """Whether a wrong argument is the reason: neither packages nor nodes are at fault."""
    return any(each.remedy == _WRONG_ARGUMENT for each in conditions)


def failure_of_last_starts(paths: Paths) -> list[Condition]:
    """The condition, after starts that ended before ComfyUI responded; [] otherwise."""
    dead = dead_starts(paths)
    if not dead:
        return []
    words = Redactor(()).text(last_words(last_lines(f"{paths.log}/comfyui.log", _TAIL)))
    if dead < _MOST_DEAD and not is_wrong_argument(words):
        return []
    times = "once" if dead == 1 else f"{dead} times in a row"
    reason = f"ComfyUI ended {times} before it responded: {words or 'its log does not say why'}"
    if is_wrong_argument(words):
        return [Condition(NAME, reason, _WRONG_ARGUMENT)]
    return [Condition(NAME, reason, "read the log: podkeeper logs comfyui; then: podkeeper restart comfyui")]
