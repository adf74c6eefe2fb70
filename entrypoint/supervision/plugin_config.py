"""P: the plugin's configuration, parsed from the lines of `[rpcinterface:podkeeper]`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from entrypoint.supervision.policy import RestartPolicy


class PluginConfig(NamedTuple):
    """The plugin's settings in supervisord.conf."""

    policy: RestartPolicy = RestartPolicy()
    socket_owner: str = ""  # uid:gid of the services' user, who may use supervisord's socket; empty: root alone.
    runtime: str = ""  # Folder of restarts.json, programs.json and the notes; empty: none of them.
    sweep: frozenset[str] = frozenset()  # Programs whose orphans are killed when the program's process ends.
    last: frozenset[str] = frozenset(
        {"logs"}
    )  # Programs stopped after all others: they forward the others' last lines.
    background: frozenset[str] = frozenset()  # Programs that yield the processor to the others: BACKGROUND_NICE.
    stop_within: float = 8.0  # Seconds a shutdown may take: the container engine kills after 10.
    drain: str = ""  # The program that runs before the shutdown that a SIGTERM asks for; empty: none.
    drain_within: float = 0.0  # Seconds that it may take; 0: it does not run.
    oom_score_adj: int = 200  # Added to what programs inherit, so that the kernel never picks supervisord.
    keep: int = 100  # How many restarts restarts.json remembers.


def parse_config(options: Mapping[str, str]) -> PluginConfig:
    """Parse the section's lines. Raises ValueError, which names the line, where one is unknown or its value invalid."""
    policy: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, text in options.items():
        if name in RestartPolicy._fields:
            policy[name] = _like(RestartPolicy._field_defaults[name], name, text)
        elif name in PluginConfig._fields and name != "policy":
            own[name] = _like(PluginConfig._field_defaults[name], name, text)
        else:
            raise ValueError(f"unknown setting {name!r} in [rpcinterface:podkeeper] of supervisord.conf")
    return PluginConfig(RestartPolicy(**policy), **own)


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
        raise ValueError(f"cannot use {name}={text!r} in [rpcinterface:podkeeper]: must be a number, 0 or more")
    return value
