"""P: the lines of `[rpcinterface:podkeeper]` -> settings of the plugin."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from entrypoint.supervision.policy import RestartPolicy


class Section(NamedTuple):
    """What the plugin was told in supervisord.conf."""

    policy: RestartPolicy = RestartPolicy()
    runtime: str = ""
    """Folder for what others read (restarts.json, programs.json); empty: write nothing."""
    sweep: frozenset[str] = frozenset()
    """Programs whose orphans are killed when the program ends."""
    last: frozenset[str] = frozenset({"logs"})
    """Programs stopped only when all others have ended: they carry the others' last lines."""
    stop_within: float = 8.0
    """Seconds a shutdown may take: the container engine kills after 10."""
    oom_score_adj: int = 200
    """Added to what programs inherit, so that the kernel never picks supervisord."""
    keep: int = 100
    """How many restarts restarts.json remembers."""


def parse_section(options: Mapping[str, str]) -> Section:
    """Make settings of the section's lines; raises ValueError that names the line."""
    policy: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, text in options.items():
        if name in RestartPolicy._fields:
            policy[name] = _like(RestartPolicy._field_defaults[name], name, text)
        elif name in Section._fields and name != "policy":
            own[name] = _like(Section._field_defaults[name], name, text)
        else:
            raise ValueError(f"[rpcinterface:podkeeper] does not know {name!r}")
    return Section(RestartPolicy(**policy), **own)


def _like(default: Any, name: str, text: str) -> object:
    if isinstance(default, frozenset):
        return frozenset(text.replace(",", " ").split())
    if isinstance(default, str):
        return text
    try:
        value = type(default)(text)  # int or float
    except ValueError:
        value = None
    if value is None or not 0 <= value < float("inf"):
        raise ValueError(f"[rpcinterface:podkeeper] {name} must be a number, not negative: {text!r}")
    return value
