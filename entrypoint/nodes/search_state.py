"""A: `node-ends.json` among the reports: what is known of ComfyUI's ends until now. It is gone with the container."""

from __future__ import annotations

import os
from dataclasses import asdict

from entrypoint.nodes.bisect import Search
from entrypoint.nodes.blame import End, State
from entrypoint.settings.paths import Paths
from entrypoint.system.files import read_table, write_json

#: Ends that are kept.
_MOST = 20


def read_state(paths: Paths) -> tuple[State, float]:
    """The state, and until when ends have been handled, in seconds since 1970; what cannot be used is left out."""
    found = read_table(_file(paths))
    handled, unnamed, search = found.get("handled"), found.get("unnamed"), found.get("search")
    state = State(
        _ends(found.get("ends")),
        _ends(found.get("uses")),
        unnamed if isinstance(unnamed, int) else 0,
        _search(search) if isinstance(search, dict) else None,
        str(found.get("innocent", "")),
    )
    return state, float(handled) if isinstance(handled, int | float) else 0.0


def write_state(paths: Paths, state: State, handled: float) -> None:
    """Write it, as far as it can be: the next start finds out again."""
    content = asdict(state) | {"handled": handled}
    content["ends"], content["uses"] = content["ends"][-_MOST:], content["uses"][-_MOST:]
    try:
        os.makedirs(paths.reports, exist_ok=True)
        write_json(_file(paths), content)
    except OSError as error:
        print(f"comfyui: cannot write {_file(paths)}: {error.strerror}", flush=True)


def _ends(found: object) -> tuple[End, ...]:
    each = (_end(entry) for entry in found) if isinstance(found, list) else ()
    return tuple(end for end in each if end)


def _end(each: object) -> End | None:
    if not isinstance(each, dict) or not isinstance(each.get("at"), int | float):
        return None
    return End(str(each.get("node")), each["at"], str(each.get("kind")), str(each.get("reason")))


def _search(found: dict[str, object]) -> Search | None:
    suspects, out = found.get("suspects"), found.get("out")
    if not isinstance(suspects, list) or not isinstance(out, list) or not suspects:
        return None
    return Search(tuple(map(str, suspects)), tuple(map(str, out)))


def _file(paths: Paths) -> str:
    return f"{paths.reports}/node-ends.json"
