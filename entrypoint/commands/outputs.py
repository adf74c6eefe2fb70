"""A: `podkeeper outputs [--now] [--wait [SECONDS]] [--json]`: what is delivered to OUTPUTS_TO, what is left, and why.

Exit codes: 0 everything is delivered, or OUTPUTS_TO is not set; 1 something is left; 64 usage; 69 no pod runs here;
77 not permitted; 78 the settings cannot be used.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict

from entrypoint.commands.program import run
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_json, write_atomically
from entrypoint.system.outputs_state import NOW, OUTPUTS, Delivery, delivery
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user

EX_NOPERM = 77
_EVERY_S = 0.5
#: Seconds for which a new look is awaited before the answer is printed.
_LOOK_S = 15.0


def main(given: Namespace) -> int:
    """Show the delivery; returns the exit code."""
    settings, paths = settings_and_paths()
    become_service_user(settings)  # the requests folder is that user's
    if not settings.outputs_to:
        print("podkeeper: outputs are not delivered: set OUTPUTS_TO", file=sys.stderr)
        return 0
    began = time.time()
    if given.now or given.wait is not None:
        try:
            look_now(paths)
        except OSError as error:
            print(f"podkeeper: cannot ask for a delivery: {error.strerror}", file=sys.stderr)
            return EX_NOPERM
    if given.wait is not None:
        state = wait_for_delivery(settings, paths, began, began + given.wait if given.wait else None)
    elif given.now:
        state = _wait_for_look(settings, paths, began)
    else:
        state = _read(settings, paths)
    complete = state.is_complete(since=began if given.wait is not None else 0.0)
    print(json.dumps(asdict(state), indent=2) if given.json else "\n".join(_lines(state)))
    return 0 if complete else 1


def look_now(paths: Paths) -> None:
    """Have the outputs looked at now, and what has failed tried again. Raises OSError."""
    write_atomically(f"{paths.requests}/{NOW}", "", durable=False)


def _read(settings: Settings, paths: Paths) -> Delivery:
    return delivery(read_json(f"{paths.reports}/{OUTPUTS}"), settings.outputs_to, time.time())


def wait_for_delivery(settings: Settings, paths: Paths, since: float, until: float | None) -> Delivery:
    """The delivery, once all that was there at the time `since` is delivered, or at the time `until`; None: no end."""
    told = ""
    while not (state := _read(settings, paths)).is_complete(since) and (until is None or time.time() < until):
        if state.text() != told:
            told = state.text()
            print(f"podkeeper: {told}", file=sys.stderr, flush=True)
        time.sleep(_EVERY_S)
    return state


def _wait_for_look(settings: Settings, paths: Paths, since: float) -> Delivery:
    until = time.time() + _LOOK_S
    while (state := _read(settings, paths)).looked < since and time.time() < until:
        time.sleep(_EVERY_S)
    return state


def _lines(state: Delivery) -> Iterable[str]:
    yield f"outputs: {state.text()}"
    if state.remedy:
        yield f"  -> {state.remedy}"
    for each in state.first_left:
        yield f"  {each.name} ({each.size} bytes): {each.reason or 'waits for its turn'}"
    if state.left > len(state.first_left):
        yield f"  and {state.left - len(state.first_left)} more"


if __name__ == "__main__":
    run("outputs", main)
