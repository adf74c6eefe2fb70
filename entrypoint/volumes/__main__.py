"""A: `python -I -m entrypoint.volumes`: the deep pass, once, in the background, under supervisord.

Stop it at any moment: what is right already costs the next pass one look, so it goes on where this one ended.
Exit code 0, also when stopped or when files refuse: what is wrong with a volume is a condition, not a crash.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import NONE
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_text, write_atomically
from entrypoint.system.low_priority import be_quiet
from entrypoint.system.privileges import powers, service_identity_of
from entrypoint.volumes import pass_record
from entrypoint.volumes.counts import Tally
from entrypoint.volumes.diagnosis import CONDITION_NAMES, PASS_REFUSED, TOP_NOT_OPENED, Probe, conditions
from entrypoint.volumes.policy import Choice
from entrypoint.volumes.rule_set import choose, rules_for
from entrypoint.volumes.rules import Rule
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.walk import Walk
from entrypoint.volumes.write_probe import probe, sweep

_RECORD_EVERY_S, _LINE_EVERY_S = 1.0, 12.0
_STUCK_AFTER_S = 60.0
_PROBE_TIMEOUT_S = 30.0


class Pass:
    """One walk with its record, its log lines, and a watch over whether the volume still answers."""

    def __init__(self, rule: Rule, choice: Choice, runtime: str, stop: threading.Event) -> None:
        self._rule, self._choice, self._runtime = rule, choice, runtime
        self._walk = Walk(rule, Kernel(), stop)
        self._stop = stop
        self._records = _records(runtime)
        self._began = time.time()
        self._recorded = self._said = self._moved = time.monotonic()
        self._seen = -1

    def run(self) -> str:
        """How it ended: one of progress's states."""
        self._record(pass_record.RUNNING)
        try:
            self._walk.run(self._tick)
        except OSError as problem:  # the top itself: the canary says why
            print(f"cannot open {self._rule.path}: {problem.strerror}", flush=True)
            self._stop.set()
        state = pass_record.STOPPED if self._stop.is_set() else pass_record.DONE
        if self._walk.troubles.tripped:
            state = pass_record.GAVE_UP
            _raise(self._runtime, _refused(self._rule, self._walk.troubles.tripped))
        self._record(state)
        self._say(state)
        return state

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._recorded >= _RECORD_EVERY_S:
            self._recorded = now
            self._watch(self._record(pass_record.RUNNING), now)
        if now - self._said >= _LINE_EVERY_S:
            self._said = now
            self._say("goes on")

    def _watch(self, tally: Tally, now: float) -> None:
        seen = tally.files + tally.folders + tally.changed
        if seen != self._seen:
            if now - self._moved >= _STUCK_AFTER_S:
                clear_condition(self._runtime, "VolumeHung")
            self._seen, self._moved = seen, now
        elif now - self._moved >= _STUCK_AFTER_S:
            _raise(self._runtime, _stuck(self._rule))

    def _record(self, state: str) -> Tally:
        tally = self._walk.tally()
        self._records[self._rule.path] = pass_record.record(
            state, self._rule, self._choice.why, tally, self._walk.troubles, self._began, time.time()
        )
        write_atomically(_record_file(self._runtime), json.dumps(self._records))
        return tally

    def _say(self, state: str) -> None:
        seconds = time.time() - self._began
        print(pass_record.line(state, self._rule, self._walk.tally(), self._walk.troubles, seconds), flush=True)


def main() -> int:
    """Try the volume, choose the policy, make the pass, and try the volume again."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    be_quiet()
    choice = choose(settings, _try_the_volume(settings, paths))
    if choice.policy == NONE:
        print(f"no volume pass over {paths.stored}: {choice.why}", flush=True)
        return 0
    clear_condition(paths.runtime, PASS_REFUSED)
    rules = rules_for(choice.policy, settings, paths)
    if not _wait(rules, paths.runtime, stop):
        return 0
    for rule in rules:
        print(f"volume pass over {rule.path} ({rule.policy}) begins: {choice.why}", flush=True)
        if not stop.is_set() and Pass(rule, choice, paths.runtime, stop).run() == pass_record.DONE:
            clear_condition(paths.runtime, TOP_NOT_OPENED)
    if not stop.is_set():
        sweep(paths.stored, time.time())
        _try_the_volume(settings, paths)
    return 0


def _try_the_volume(settings: Settings, paths: Paths) -> Probe:
    seen = probe(paths.stored, service_identity_of(settings), powers(), _PROBE_TIMEOUT_S)
    _tell(paths.runtime, conditions(paths.stored, seen))
    return seen


def _wait(rules: tuple[Rule, ...], runtime: str, stop: threading.Event) -> bool:
    """Whether it is time to begin (False: told to stop)."""
    earlier = _records(runtime)
    delays = [pass_record.delay_s(earlier.get(rule.path, {}), rule, time.time()) for rule in rules]
    return not stop.wait(min(delays))


def _records(runtime: str) -> dict[str, Any]:
    """<runtime>/volumes.json: path -> the last pass's record."""
    try:
        records: dict[str, Any] = json.loads(read_text(_record_file(runtime)) or "{}")
    except ValueError:
        return {}
    return records


def _record_file(runtime: str) -> str:
    return os.path.join(runtime, "volumes.json")


def _tell(runtime: str, found: tuple[Condition, ...]) -> None:
    for name in CONDITION_NAMES:
        if name not in {condition.name for condition in found}:
            clear_condition(runtime, name)
    for condition in found:
        _raise(runtime, condition)


def _raise(runtime: str, condition: Condition) -> None:
    if raise_condition(runtime, condition):
        print(str(condition), flush=True)


def _refused(rule: Rule, error: str) -> Condition:
    return Condition(
        PASS_REFUSED,
        f"the volume refuses what VOLUME_POLICY={rule.policy} asks for at {rule.path} ({error})",
        "start the pod as root, or set VOLUME_POLICY=top",
    )


def _stuck(rule: Rule) -> Condition:
    return Condition(
        "VolumeHung",
        f"{rule.path} has not answered for {_STUCK_AFTER_S:.0f} s",
        "wait a minute, then restart the pod; if it stays so, report the volume to the provider",
    )


if __name__ == "__main__":
    code = main()
    # A worker stuck in the kernel must not keep the process from ending: os._exit, as no thread is joined.
    sys.stdout.flush()
    os._exit(code)
