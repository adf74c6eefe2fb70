"""A: the program `[program:volumes]`: one deep pass over the volume in the background; then it watches the volume.

`--watch SECONDS`: a write probe so often, for a volume that fills, becomes read-only or goes away while the pod runs;
without it the program ends with the pass. It may be stopped at any moment: the next pass costs one stat for each
correct file, so it resumes where this one ended. The exit code is 0, also after a stop or refused changes: a fault of
a volume is a condition, not a crash.
"""

import os
import signal
import sys
import threading
import time
from functools import partial
from typing import Any

from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.settings.volume_policy import NONE
from entrypoint.system.bounded_process import HUNG, Plain, run_bounded
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import read_table, write_json
from entrypoint.system.low_priority import lower_priority
from entrypoint.system.privileges import as_service_user, powers, service_identity_of
from entrypoint.volumes import diagnosis, pass_record
from entrypoint.volumes.counts import Counts
from entrypoint.volumes.diagnosis import NOT_LAID_OUT, PASS_REFUSED, TOP_NOT_OPENED, WAIT_AND_RESTART, ProbeResult
from entrypoint.volumes.elsewhere import condition_of, other_volumes
from entrypoint.volumes.former_templates import report_former
from entrypoint.volumes.layout import lay_out
from entrypoint.volumes.policy import PolicyChoice
from entrypoint.volumes.rule_set import choose, rules_for
from entrypoint.volumes.rules import Rule
from entrypoint.volumes.syscalls import Kernel
from entrypoint.volumes.walk import Walk
from entrypoint.volumes.write_probe import probe, sweep

#: Seconds between two probes of a volume that does not respond: each may leave a process that waits in the kernel.
_HUNG_INTERVAL_S = 120.0
#: Seconds for ComfyUI's folders: 30 of them, a few calls each, on the slowest volume.
_LAYOUT_TIMEOUT_S = 300.0
#: Seconds between two looks for what other templates have left, while there is some.
_FORMER_INTERVAL_S = 120.0
_RECORD_INTERVAL_S, _LOG_INTERVAL_S, _STUCK_AFTER_S, _PROBE_TIMEOUT_S = 1.0, 12.0, 60.0, 30.0


class Pass:
    """One walk with its record, its log lines, and a check whether the volume still responds."""

    def __init__(self, rule: Rule, choice: PolicyChoice, runtime: str, stop: threading.Event) -> None:
        self._rule, self._choice, self._runtime = rule, choice, runtime
        self._walk = Walk(rule, Kernel(), stop)
        self._stop = stop
        self._records = records(runtime)
        self._began = time.time()
        self._recorded = self._logged = self._progressed = time.monotonic()
        self._seen = -1

    def run(self) -> str:
        """Make the pass; returns its last state, one of pass_record's."""
        self._record(pass_record.RUNNING)
        try:
            self._walk.run(self._tick)
        except OSError as problem:  # the top itself: the write probe reports why
            print(f"cannot open {self._rule.path}: {problem.strerror}", flush=True)
            self._stop.set()
        state = pass_record.STOPPED if self._stop.is_set() else pass_record.DONE
        if self._walk.errors.tripped:
            state = pass_record.GAVE_UP
            refused = f"VOLUME_POLICY={self._rule.policy} at {self._rule.path} ({self._walk.errors.tripped})"
            reason, remedy = (
                f"the volume refuses the changes of {refused}",
                "start the pod as root, or set VOLUME_POLICY=top",
            )
            _raise(self._runtime, Condition(PASS_REFUSED, reason, remedy))
        self._record(state)
        self._log(state)
        return state

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._recorded >= _RECORD_INTERVAL_S:
            self._recorded = now
            self._check_progress(self._record(pass_record.RUNNING), now)
        if now - self._logged >= _LOG_INTERVAL_S:
            self._logged = now
            self._log("continues")

    def _check_progress(self, counts: Counts, now: float) -> None:
        seen = counts.files + counts.folders + counts.changed
        if seen != self._seen:
            if now - self._progressed >= _STUCK_AFTER_S:
                clear_condition(self._runtime, "VolumeHung")
            self._seen, self._progressed = seen, now
        elif now - self._progressed >= _STUCK_AFTER_S:
            reason = f"{self._rule.path} has not responded for {_STUCK_AFTER_S:.0f} s"
            _raise(self._runtime, Condition("VolumeHung", reason, WAIT_AND_RESTART))

    def _record(self, state: str) -> Counts:
        counts = self._walk.counts()
        self._records[self._rule.path] = pass_record.record(
            state, self._rule, self._choice.reason, counts, self._walk.errors, self._began, time.time()
        )
        write_json(_record_file(self._runtime), self._records)
        return counts

    def _log(self, state: str) -> None:
        seconds = time.time() - self._began
        print(pass_record.line(state, self._rule, self._walk.counts(), self._walk.errors, seconds), flush=True)


def main(watch_s: float = 0.0) -> int:
    """Make the pass, then watch the volume, every `watch_s` seconds, until a stop signal; 0: not at all."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lower_priority()
    laid_out = _lay_out(settings, paths)
    former = report_former(settings, paths)
    if found := other_volumes(paths):
        _raise(paths.runtime, condition_of(found))
    _make_pass(settings, paths, stop)
    if not laid_out and not stop.is_set():
        _lay_out(settings, paths)  # the pass may have given the services' user the right to
    interval, looked = watch_s, time.monotonic()
    while watch_s and not stop.wait(interval):
        interval = _HUNG_INTERVAL_S if _probe_volume(settings, paths).error == HUNG else watch_s
        if former and interval == watch_s and time.monotonic() - looked >= _FORMER_INTERVAL_S:
            former, looked = report_former(settings, paths), time.monotonic()
    return 0


def _lay_out(settings: Settings, paths: Paths) -> bool:
    """Make ComfyUI's folders, before the pass that opens them; in a child process, because the volume may hang. Returns
    whether all are there."""
    if _probe_volume(settings, paths).error == HUNG:
        return False
    result = run_bounded(partial(_lay_out_as_service, settings, paths), _LAYOUT_TIMEOUT_S)
    if result.get("reason"):
        _raise(paths.runtime, Condition(NOT_LAID_OUT, str(result["reason"]), str(result["remedy"])))
    elif result.get("error"):
        print(f"cannot lay out {paths.stored}: {result['error']}", flush=True)
    else:
        clear_condition(paths.runtime, NOT_LAID_OUT)
        return True
    return False


def _lay_out_as_service(settings: Settings, paths: Paths) -> Plain:
    try:
        as_service_user(settings, partial(lay_out, paths))
    except CannotDo as error:
        return {"reason": error.condition.reason, "remedy": error.condition.remedy}
    return {}


def _make_pass(settings: Settings, paths: Paths, stop: threading.Event) -> None:
    """Probe the volume, choose the policy, make the pass, and probe the volume again."""
    choice = choose(settings, _probe_volume(settings, paths))
    if choice.policy == NONE:
        print(f"no volume pass over {paths.stored}: {choice.reason}", flush=True)
        return
    clear_condition(paths.runtime, PASS_REFUSED)
    rules = rules_for(choice.policy, settings, paths)
    if not _wait(rules, paths.runtime, stop):
        return
    for rule in rules:
        print(f"volume pass over {rule.path} ({rule.policy}) begins: {choice.reason}", flush=True)
        if not stop.is_set() and Pass(rule, choice, paths.runtime, stop).run() == pass_record.DONE:
            clear_condition(paths.runtime, TOP_NOT_OPENED)
    if not stop.is_set():
        sweep(paths.stored, time.time())
        _probe_volume(settings, paths)


def _probe_volume(settings: Settings, paths: Paths) -> ProbeResult:
    seen = probe(paths.stored, service_identity_of(settings), powers(), _PROBE_TIMEOUT_S)
    _report(paths.runtime, diagnosis.conditions(paths.stored, seen))
    return seen


def _wait(rules: tuple[Rule, ...], runtime: str, stop: threading.Event) -> bool:
    """Wait for the time to begin; False: stopped while waiting."""
    earlier = records(runtime)
    delays = [pass_record.delay_s(earlier.get(rule.path, {}), rule, time.time()) for rule in rules]
    return not stop.wait(min(delays))


def records(runtime: str) -> dict[str, Any]:
    """<runtime>/volumes.json: path -> the last pass's record."""
    found = read_table(_record_file(runtime))
    return {path: record for path, record in found.items() if isinstance(record, dict)}


def _record_file(runtime: str) -> str:
    return os.path.join(runtime, "volumes.json")


def _report(runtime: str, found: tuple[Condition, ...]) -> None:
    for name in diagnosis.CONDITION_NAMES:
        if name not in {condition.name for condition in found}:
            clear_condition(runtime, name)
    for condition in found:
        _raise(runtime, condition)


def _raise(runtime: str, condition: Condition) -> None:
    if raise_condition(runtime, condition):
        print(str(condition), flush=True)


if __name__ == "__main__":
    code = main(float(sys.argv[2]) if sys.argv[1:2] == ["--watch"] else 0.0)
    # A worker stuck in the kernel must not keep the process from ending: os._exit, as no thread is joined.
    sys.stdout.flush()
    os._exit(code)
