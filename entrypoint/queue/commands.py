"""A: what `podkeeper queue COMMAND` and `podkeeper drain` do."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from entrypoint.queue import drain
from entrypoint.queue.inside.record import ASIDE, PENDING, RUNNING, Kept, live
from entrypoint.queue.journals import ask, read_journals, read_report
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.supervisord_rpc import Refused, call

DONE, FAILED, STILL_RUNS = 0, 1, 3
_STOP_S = 10.0


def list_queue(settings: Settings, paths: Paths) -> int:
    """Print every workflow that waits, runs or is set aside, of every pod on this volume."""
    try:
        journals = read_journals(settings, paths)
    except OSError as error:
        return _failed(f"cannot read the queue: {error}")
    asked = read_report(paths).get("asked")
    for journal in journals:
        shown = live(journal.state)
        if shown and not journal.ours:
            print(f"of the pod {journal.owner}:")
        for prompt in shown:
            print(_line(prompt))
        if journal.state.damaged:
            print(f"{journal.state.damaged} damaged record(s) were skipped", file=sys.stderr)
    if not any(live(each.state) for each in journals):
        print("the queue is empty")
    elif asked:
        print(f"{asked} wait for: podkeeper queue restore (or drop)")
    if drain.is_drained(paths):
        print("the pod is drained: nothing new begins; undo: podkeeper drain --undo")
    return DONE


def _line(prompt: Kept) -> str:
    words = {ASIDE: f"set aside: {prompt.why}", RUNNING: f"running since {_clock(prompt.started)}"}
    return f"{prompt.id}  {words.get(prompt.status, 'waiting')}  (queued {_clock(prompt.at)})"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def restore_or_drop(settings: Settings, paths: Paths, verb: str, ids: list[str]) -> int:
    """Ask ComfyUI to restore or drop workflows that are set aside or wait for it."""
    try:
        journals = read_journals(settings, paths)
        ours = {each.id: each.status for journal in journals if journal.ours for each in live(journal.state)}
        held = (ASIDE, PENDING) if read_report(paths).get("asked") else (ASIDE,)
        for name in ids:
            if name not in ours:
                return _failed(f"no such workflow in this pod's queue: {name}; see: podkeeper queue list")
            if ours[name] not in held:
                return _failed(f"{name} runs or waits for its turn; to end it, cancel it in ComfyUI")
        ask(paths, verb, ids)
    except OSError as error:
        return _failed(f"cannot {verb}: {error}")
    print(f"ComfyUI will {verb} {'them' if len(ids) != 1 else 'it'} within a second, or once it runs")
    return DONE


def run_drain(
    settings: Settings, paths: Paths, grace_s: float, before_stop: Sequence[drain.BeforeStop], *, stop: bool
) -> int:
    """Drain the pod, and stop it where asked to; STILL_RUNS: the workflow has not finished, so the pod goes on."""
    try:
        done = drain.drain(settings, paths, grace_s, lambda words: print(words, flush=True), before_stop)
        if not done:
            return STILL_RUNS
        if stop:
            call(f"{paths.runtime}/supervisor.sock", "supervisor.shutdown", timeout=_STOP_S)
    except (OSError, Refused) as error:
        return _failed(f"cannot drain the pod: {error}")
    print("the pod stops" if stop else "the pod can be stopped now; undo: podkeeper drain --undo")
    return DONE


def undo_drain(paths: Paths) -> int:
    """Accept workflows again."""
    try:
        was = drain.undo(paths)
    except OSError as error:
        return _failed(f"cannot undo the drain: {error}")
    print("ComfyUI accepts workflows again" if was else "the pod is not drained")
    return DONE


def _failed(words: str) -> int:
    print(f"podkeeper: {words}", file=sys.stderr)
    return FAILED
