"""A: the meter's loop: one look after the other, the report, the warnings, and the stop."""

from __future__ import annotations

import os
import time
from typing import NoReturn

from entrypoint.conditions.condition import Condition
from entrypoint.meter import before_stop
from entrypoint.meter.decide import Decision, Limits, Moment, decide, limits_of, period, reason
from entrypoint.meter.idle import Idle, after
from entrypoint.meter.keep import keep_until
from entrypoint.meter.ledger import Kept, Ledger, resumed
from entrypoint.meter.looks import Looks
from entrypoint.meter.report import OnVolume, boottime, local_day, write_report
from entrypoint.runpod import files
from entrypoint.runpod.actions import action_of
from entrypoint.settings.durations import in_words
from entrypoint.settings.paths import STARTED, Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.notify import notify
from entrypoint.system.supervisord_rpc import start

SOON, UNSURE, NOT_STOPPED = "PodStopsSoon", "IdleUnknown", "PodNotStopped"
#: Looks in a row that fail before that is a condition: a service that restarts fails one or two.
_FAILURES = 3
#: Seconds between two reports where nothing has changed; between two files on the volume; until RunPod is asked again
#: where it did not answer; until a stop that failed is tried again. The first wait for RunPod's word.
_REPORT_S, _KEEP_S, _ASK_AGAIN_S, _RETRY_S, _FIRST_S = 60.0, 300.0, 900.0, 600.0, 15.0
_START_AGAIN_S = 30.0


class Keeper:
    """The state between two looks."""

    def __init__(self, settings: Settings, paths: Paths, looks: Looks) -> None:
        self._settings, self._paths, self._looks = settings, paths, looks
        self._limits, self._idle, self._decision = limits_of(settings), Idle(), Decision("busy")
        self._volume, self._facts = OnVolume(paths, settings.pod_id), self._first_facts()
        self._price, self._impossible = self._priced()
        self._keep_until, self._retry_at, self._asked = 0.0, 0.0, boottime()
        self._began = self._last = self._reported = self._kept = boottime()
        self._stopping, self._told, self._shown = False, False, ("", "", "")
        self._ledger = self._resumed()

    def run(self) -> NoReturn:
        """Look until a signal ends the process."""
        if self._limits:
            limits = [f"IDLE_STOP={self._settings.idle_stop}"] if self._limits.idle else []
            limits += [f"MAX_HOURS={self._settings.max_hours:g}"] if self._limits.run else []
            limits += [f"MAX_COST={self._settings.max_cost:g}"] if self._limits.cost else []
            say(f"{', '.join(limits)}: the action is {action_of(self._settings)}; podkeeper keep 8h keeps the pod")
        while True:
            self.step()
            time.sleep(period(self._limits, self._decision.state))

    def step(self) -> None:
        """One look, and what follows from it."""
        try:
            self._count()
            self._look()
            self._report()
            self._warn()
            if self._decision.state == "due" and boottime() >= self._retry_at:
                self._stop()
        except OSError as error:  # the runtime folder refuses: the next look says more
            say(f"cannot go on: {error}")

    def save(self) -> None:
        """Keep the counts on the volume."""
        if not self._settings.pod_id:
            return
        left = max(0.0, self._keep_until - boottime())
        self._volume.write(Kept(self._settings.pod_id, time.time(), time.time() + left if left else 0.0, self._ledger))
        self._kept = boottime()

    def _count(self) -> None:
        now, (day, _) = boottime(), local_day(time.time())
        idle = self._idle.since is not None and now - self._last <= self._gap()
        self._ledger = self._ledger.plus(now - self._last, idle=idle, day=day)
        self._last = now
        facts = files.read_facts(self._paths)
        if facts != self._facts:
            self._facts = facts
            self._price, self._impossible = self._priced()
            age = _number(facts.get("age"))
            if age is not None:
                self._ledger = self._ledger.aged(age + now - (_number(facts.get("boot")) or now))
        if facts.get("problem") and now - self._asked > _ASK_AGAIN_S:
            self._asked = now
            start(self._paths.runtime, "runpod")
        if now - self._kept > _KEEP_S:
            self.save()

    def _look(self) -> None:
        look = self._looks.look()
        now = boottime()
        self._idle = after(self._idle, now, look, self._gap())
        asked = keep_until(self._paths)
        if asked is not None and asked != self._keep_until:
            self._keep_until = asked
            say(f"kept for {in_words(asked - now)}" if asked > now else "not kept any longer")
            clear_condition(self._paths.runtime, NOT_STOPPED)
            self.save()
        limits = Limits() if self._impossible else self._limits
        at = Moment(now, self._keep_until, self._ledger.run, now - self._began)
        self._decision = decide(limits, self._idle, at, self._price)

    def _gap(self) -> float:
        """Seconds between two looks that leave nothing unseen."""
        return 3 * period(self._limits, "idle") + 30

    def _report(self) -> None:
        """Write the report where something has changed, or a minute has passed."""
        now, decision = boottime(), self._decision
        state = "stopping" if self._stopping else "idle" if decision.state == "due" else decision.state
        why = self._idle.why if self._idle.since is None else ""
        stop_at = None if decision.left is None else now + decision.left
        shown = (state, why, f"{decision.limit} {stop_at and round(stop_at / 5)} {self._keep_until} {self._price}")
        if shown == self._shown and now - self._reported < _REPORT_S:
            return
        self._shown, self._reported = shown, now
        write_report(self._paths, {
            "boot": now, "state": state, "why": why, "idle_since": self._idle.since, "limit": decision.limit,
            "stop_at": stop_at, "action": action_of(self._settings) if self._limits else "", "price": self._price,
            "source": self._source(), "spot": self._facts.get("spot") is True,
            "problem": "" if self._price else str(self._facts.get("problem") or ""), "run": self._ledger.run,
            "idle": self._ledger.idle, "today": self._ledger.today,
            "keep_until": self._keep_until if self._keep_until > now else None,
        })  # fmt: skip

    def _warn(self) -> None:
        """Raise or clear the conditions: a stop that comes soon, and idleness that cannot be told."""
        decision, runtime = self._decision, self._paths.runtime
        if decision.state == "soon":
            at = time.strftime("%H:%M:%S %Z", time.localtime(time.time() + (decision.left or 0.0)))
            why = reason(decision.limit, self._limits, self._limits.idle)
            when = f"this pod is stopped at {at} ({action_of(self._settings)})"
            what = {"idle": f"when {why}", "run": f"because then {why}", "cost": f"because then {why}"}[decision.limit]
            kept = "podkeeper keep 2h" if decision.limit == "idle" else "save your work; the next start has a new limit"
            if not self._told:  # once: the time moves by a second now and then
                self._told = True
                raise_condition(runtime, Condition(SOON, f"{when}, {what}", kept))
                data = {"seconds": decision.left, "action": action_of(self._settings), "limit": decision.limit}
                notify(
                    self._settings,
                    self._paths,
                    "idle.countdown" if decision.limit == "idle" else "limit.countdown",
                    data,
                )
                say(f"{when}, {what}; to keep it: {kept}" if decision.limit == "idle" else f"{when}, {what}")
        elif decision.state != "due" and self._told:
            self._told = False
            clear_condition(runtime, SOON)
            say(f"the stop is called off: {self._idle.why if self._idle.since is None else 'the pod is kept'}")
        if self._limits.idle and self._idle.failures >= _FAILURES:
            condition = Condition(UNSURE, f"the pod counts as busy, because the meter {self._idle.why}",
                                  "see: podkeeper logs meter; IDLE_STOP does nothing until then")  # fmt: skip
            if raise_condition(runtime, condition):
                say(str(condition))
        elif not self._idle.failures:
            clear_condition(runtime, UNSURE)

    def _stop(self) -> None:
        """Wait for what must be safe, look once more, and ask for the stop. Returns where it did not happen."""
        decision, now = self._decision, boottime()
        self._retry_at = now + max(_RETRY_S, 2 * period(self._limits, "idle"))
        why = reason(decision.limit, self._limits, now - (self._idle.since or now))
        say(f"stopping the pod: {why}")
        self._stopping = True
        try:
            self._report()
            wanted, _ = before_stop.wait_for_all(say, lambda: decision.limit != "idle" or self._still_idle())
            if not wanted or not self._still_due(decision.limit):
                self._retry_at = 0.0
                return
            self.save()
            files.request_stop(self._paths, why)
            self._wait_for_the_end(decision.limit)
        finally:
            self._stopping = False

    def _wait_for_the_end(self, limit: str) -> None:
        """Wait until RunPod, or supervisord, ends this process. Returns where the program `runpod` has given up. A user
        who comes back while the API does not respond calls the stop off."""
        started = 0.0
        while files.requested_stop(self._paths):
            if boottime() - started > _START_AGAIN_S:
                started = boottime()
                # It runs, but for the first time, and where it could not be started.
                start(self._paths.runtime, "runpod")
            if not self._still_due(limit):
                files.call_off(self._paths)
                self._retry_at = 0.0
                say(f"the stop is called off: {self._idle.why if self._idle.since is None else 'the pod is kept'}")
            time.sleep(min(1.0, period(self._limits, "soon")))

    def _still_idle(self) -> bool:
        """The cheapest looks: a request at the door, and `podkeeper keep`."""
        if request := self._looks.request():
            self._idle = Idle(boottime(), None, request)  # the next look does not see it again
        return not request and (keep_until(self._paths) or 0.0) <= boottime()

    def _still_due(self, limit: str) -> bool:
        """Whether a whole look confirms it; a hard limit heeds none."""
        if limit == "idle":
            self._count()
            self._look()
        return limit != "idle" or self._decision.state == "due"

    def _first_facts(self) -> dict[str, object]:
        """What RunPod says; on RunPod the answer is waited for, because it says when the pod was started."""
        until = boottime() + _FIRST_S
        while not (found := files.read_facts(self._paths)) and self._settings.pod_id and boottime() < until:
            time.sleep(0.5)
        return found

    def _priced(self) -> tuple[float | None, bool]:
        price = self._settings.cost_per_hour or _number(self._facts.get("price"))
        return price or None, bool(self._facts.get("impossible"))

    def _source(self) -> str:
        return "" if not self._price else "COST_PER_HOUR" if self._settings.cost_per_hour else "RunPod"

    def _resumed(self) -> Ledger:
        now, boot = time.time(), boottime()
        kept = self._volume.read() if self._settings.pod_id else None
        if kept and kept.pod == self._settings.pod_id and kept.keep_until > now:
            self._keep_until = boot + kept.keep_until - now
        age = _number(self._facts.get("age"))
        since = boot - (_number(self._facts.get("boot")) or boot)
        container = boot - float(os.environ.get(STARTED, boot))
        whole = container if age is None else age + since
        return resumed(kept, self._settings.pod_id, now, whole, *local_day(now), certain=age is not None)


def say(line: str) -> None:
    """Log a line; the container's log has it, too."""
    print(f"meter: {line}", flush=True)


def _number(value: object) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if fits else None  # type: ignore[arg-type]
