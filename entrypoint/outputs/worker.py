"""A: the loop of the program `outputs`: looks, delivers, writes receipts, the report and the condition."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping

from entrypoint.conditions.condition import Condition
from entrypoint.outputs.backlog import Backlog
from entrypoint.outputs.deliver import Delivered, deliver
from entrypoint.outputs.names import Found, output_folder
from entrypoint.outputs.problems import NO_HUB, Problem
from entrypoint.outputs.rclone import Rclone
from entrypoint.outputs.receipts import Receipts
from entrypoint.outputs.remote import Remote
from entrypoint.outputs.scan import being_written, scan
from entrypoint.settings.destinations import Destination, destination
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.files import remove, write_json
from entrypoint.system.outputs_state import NOW, OUTPUTS
from entrypoint.system.redaction import Redactor

CONDITION = "OutputsNotDelivered"
#: Seconds between two looks, at least and at most. A look that takes long is followed by a rest of so many times as
#: much, while files are left, and while none is: 2000 delivered files then cost 0.1 % of a core.
EVERY_S, _LONGEST_REST_S = 2.0, 60.0
_REST, _IDLE_REST = 20, 500
#: Seconds between two reports.
_REPORT_S = 5.0
#: Files in the report.
_MOST_LEFT = 100
_VOLUME = Problem("its receipt cannot be written", "check the volume and its free space: podkeeper doctor")
_NO_FOLDER = Problem("the output folder cannot be read", "check the volume: podkeeper doctor")


class Worker:
    """Delivers the outputs of one pod to one destination."""

    def __init__(self, settings: Settings, paths: Paths, remote: Remote, redactor: Redactor) -> None:
        self._to_text, self._paths, self._redactor = settings.outputs_to, paths, redactor
        self._to: Destination = destination(settings.outputs_to)
        self._folder = output_folder(paths.data, settings.comfyui_args)
        self._stage = f"{paths.reports}/outputs"
        self._rclone = Rclone(remote, paths.reports, self._report_now_and_then)
        self._receipts, self._backlog = Receipts(paths, settings.outputs_to), Backlog()
        self._problem: Problem | None = None
        self._looked = self._reported = self._next_look = 0.0

    def run(self) -> None:
        """Work until stopped."""
        self._receipts.read()
        clear_condition(self._paths.runtime, CONDITION)  # of a program that was killed
        with contextlib.suppress(OSError):
            self._receipts.compact()
        while True:
            self.turn()
            time.sleep(self._pause())

    def turn(self) -> None:
        """Look, where that is due, and deliver one batch."""
        now = time.time()
        if self._is_asked():
            self._backlog.try_now()
            self._next_look = 0.0
        if time.monotonic() >= self._next_look:
            self._look(now)
        if self._problem is not _NO_FOLDER and (batch := self._batch(now)):
            self._deliver(batch)
            self._settle()
        elif not self._backlog.failures and self._problem not in (None, _NO_FOLDER):
            self._settle()
        self._report_now_and_then()

    def _look(self, now: float) -> None:
        began = time.monotonic()
        try:
            self._backlog.look(scan(self._folder), self._receipts.has, now)
            self._looked = now
            if self._problem is _NO_FOLDER:
                self._settle()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._is_to_come():
                self._backlog.look({}, self._receipts.has, now)
                self._looked = now
            else:
                self._set(_NO_FOLDER, "")
        took = time.monotonic() - began
        rest = took * (_REST if self._backlog.waiting else _IDLE_REST)
        self._next_look = time.monotonic() + min(max(EVERY_S, rest), _LONGEST_REST_S)
        self._report()

    def _is_to_come(self) -> bool:
        """Whether ComfyUI has not made the output folder yet; else the volume is gone, or a link leads nowhere."""
        return not os.path.lexists(self._folder) and os.path.isdir(os.path.dirname(self._folder))

    def _batch(self, now: float) -> list[str]:
        batch = self._backlog.batch(now)
        if not batch:
            return []
        real = os.path.realpath(self._folder)
        written = being_written({f"{real}/{name}" for name in batch})
        busy = [name for name in batch if f"{real}/{name}" in written]
        self._backlog.put_off(busy)
        return [name for name in batch if name not in busy]

    def _deliver(self, batch: list[str]) -> None:
        files = {name: self._backlog.found[name] for name in batch}
        result = self._delivered(files)
        try:
            self._receipts.add({name: (files[name], there) for name, there in result.arrived.items()}, self._to)
            for name, there in result.arrived.items():
                self._say(f"delivered {name}" + (f" as {there.name}" if there.name != name else ""))
        except OSError:
            result = Delivered(failed=result.failed | dict.fromkeys(result.arrived, _VOLUME))
        self._backlog.attempted(batch, result.arrived, result.failed, time.time())

    def _delivered(self, files: Mapping[str, Found]) -> Delivered:
        if self._to.kind == "hf":
            return Delivered(failed=dict.fromkeys(files, NO_HUB))
        try:
            return deliver(self._rclone, self._folder, self._stage, files)
        except OSError as error:  # the runtime folder refuses
            problem = Problem(f"cannot prepare the copy: {error.strerror}", "check the pod's disk: podkeeper doctor")
            return Delivered(failed=dict.fromkeys(files, problem))
        finally:
            with contextlib.suppress(OSError):
                remove(self._stage)

    def _settle(self) -> None:
        """Raise the condition for what has failed, or clear it."""
        failures = self._backlog.failures
        last = max(failures, key=lambda name: failures[name].attempts, default="")
        self._set(failures[last].problem if last else None, last)

    def _set(self, problem: Problem | None, name: str) -> None:
        changed, self._problem = problem != self._problem, problem
        if problem is None:
            if changed and clear_condition(self._paths.runtime, CONDITION):
                self._say("every problem is over")
            return
        if changed:
            which = f"{name}: " if name else ""
            reason = f"outputs are not delivered to {self._to_text}: {which}{problem.reason}"
            condition = Condition(CONDITION, self._redactor.text(reason), problem.remedy)
            if raise_condition(self._paths.runtime, condition):
                self._say(str(condition))
        self._report()

    def _is_asked(self) -> bool:
        with contextlib.suppress(OSError):
            return remove(f"{self._paths.requests}/{NOW}")
        return False

    def _report_now_and_then(self) -> None:
        if time.monotonic() - self._reported >= _REPORT_S:
            self._report()

    def _report(self) -> None:
        backlog = self._backlog
        left = [
            {
                "name": name, "size": backlog.found[name].size,
                "reason": self._redactor.text(failure.problem.reason) if failure else "",
                "remedy": failure.problem.remedy if failure else "",
            }
            for name in backlog.waiting[:_MOST_LEFT]
            for failure in (backlog.failures.get(name),)
        ]  # fmt: skip
        unknown = self._problem is _NO_FOLDER  # what cannot be looked at is not delivered
        total = len(backlog.found)
        with contextlib.suppress(OSError):
            write_json(f"{self._paths.reports}/{OUTPUTS}", {
                "at": time.time(), "to": self._to_text, "delivered": total - len(backlog.waiting), "total": total,
                "left": len(backlog.waiting) or int(unknown), "first_left": left, "looked": self._looked,
                "reason": self._redactor.text(self._problem.reason) if self._problem else "",
                "remedy": self._problem.remedy if self._problem else "",
            })  # fmt: skip
        self._reported = time.monotonic()

    def _pause(self) -> float:
        """Seconds until the next turn: none while a batch is left, else short, because `--now` may ask."""
        return 0.05 if self._backlog.batch(time.time()) else 0.5

    def _say(self, text: str) -> None:
        print(f"outputs: {self._redactor.text(text)}", flush=True)
