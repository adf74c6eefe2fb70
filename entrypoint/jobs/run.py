"""A: runs one job through the supervised ComfyUI: once, whatever ends meanwhile.

The prompt's id follows from the job's, and before a prompt is queued ComfyUI's queue and history are asked for it: a
job that comes twice, and one whose process was killed, finds its prompt again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from entrypoint.conditions.registry import blocked_services
from entrypoint.jobs.api_format import api_format, class_names
from entrypoint.jobs.check import check
from entrypoint.jobs.client import Client, Unreachable
from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.inputs import place_inputs, remove_inputs
from entrypoint.jobs.outcome import files_of
from entrypoint.jobs.records import DONE, ENDED, FAILED, QUEUED, RUNNING, Record, Records
from entrypoint.jobs.request import Job
from entrypoint.jobs.values import Prompt, set_values, use_inputs
from entrypoint.jobs.watch import Progress, Watch
from entrypoint.settings.paths import Paths
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.loopback_http import is_up

#: How often ComfyUI may end while it runs one job.
MOST_ENDS = 2
_PROBE_S, _PERIOD_S, _KEEP_S = 2.0, 0.05, 1.0
#: The condition of a ComfyUI that ends at every start, and the seconds for which a better start is waited for.
_FAILS, _FAILS_S = "ComfyUIFails", 60.0
#: Seconds after ComfyUI is back, for its queue to be put back before the prompt is sent anew.
_RESTORED_S = 2.0


class Stopped(Exception):
    """This process was asked to stop; the job goes on when it comes again."""


class Runner:
    """Runs jobs, one after another.

    Args:
        tell: Called with the record at each change of it.
        stopped: Whether this process is to stop.
        anywhere: Whether input files may lie outside the data folder.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        *,
        tell: Callable[[Record], None],
        stopped: Callable[[], bool],
        anywhere: bool = False,
    ) -> None:
        self._paths, self._anywhere = paths, anywhere
        self._service = service_named("comfyui")
        self._client = Client(self._service.port(settings))
        self._records = Records(paths)
        self._tell, self._stopped = tell, stopped
        self._classes: dict[str, Any] = {}
        self._keep_again = 0.0
        self._cancelled: Callable[[], bool] = lambda: False

    def run(self, job: Job, cancelled: Callable[[], bool] = lambda: False) -> Record:
        """Run a job that has an id, or find its result; the record has ended.

        Raises:
            Stopped: `stopped` says so; nothing is lost.
            OSError: The volume refuses the record.
        """
        record = self._records.read(job.id) or Record(job.id, submitted=time.time())
        if record.is_final:
            return record
        if record.state in ENDED:
            record = record.again()
        began, self._cancelled = time.monotonic(), cancelled
        try:
            record.files = self._run(job, record, began + job.timeout)
            record.state, record.share, record.node = DONE, 1.0, ""
        except JobFailed as error:
            record.state, record.failure = FAILED, error.failure
        record.seconds = time.monotonic() - began
        self._keep(record)
        remove_inputs(self._paths, job.id)
        return record

    def _run(self, job: Job, record: Record, until: float) -> Any:
        self._keep(record)
        while True:
            self._wait_until_up(until)
            try:
                return self._once(job, record, until)
            except Unreachable:
                record.ends += record.state == RUNNING
                if record.ends >= MOST_ENDS:
                    raise JobFailed(Failure("EndsComfyUI", f"ComfyUI ended {record.ends} times while it ran this job",
                        "read ComfyUI's log; it is not tried again")) from None  # fmt: skip
                record.state, self._classes = QUEUED, {}  # it may come back with other nodes
                self._keep(record)
                self._pause()

    def _once(self, job: Job, record: Record, until: float) -> Any:
        """Queue the prompt, unless ComfyUI has it, and follow it to its end."""
        prompt_id = record.prompt_id
        with Watch(self._client, job.id) as watch:
            entry = self._client.history(prompt_id)
            if entry is None:
                total = self._queue(job, record, until)
                progress = Progress(total)
                entry = watch.until_end(
                    prompt_id, progress, lambda now: self._progress(record, now), lambda: self._over(until)
                )
            if entry is None:
                self._refuse_if_over(prompt_id, until)
                if not watch.lost:
                    raise JobFailed(Failure("Cancelled", "it was removed from ComfyUI's queue", ""))
                raise Unreachable("ComfyUI has lost its queue")
        return files_of(entry, job.outputs)

    def _queue(self, job: Job, record: Record, until: float) -> int:
        """Returns the number of the prompt's nodes."""
        prompt = self._prepared(job)
        if not self._is_known(record, until):
            self._client.submit(
                {"prompt": prompt, "prompt_id": record.prompt_id, "client_id": job.id, "extra_data": _extra(job)}
            )
        record.state = QUEUED
        self._keep(record)
        return len(prompt)

    def _is_known(self, record: Record, until: float) -> bool:
        """Whether ComfyUI has the prompt; a queue that is about to be put back is waited for."""
        again = time.monotonic() + (_RESTORED_S if record.ends else 0.0)
        while True:
            if self._client.queued(record.prompt_id) or self._client.history(record.prompt_id):
                return True
            if time.monotonic() >= min(again, until):
                return False
            self._pause()

    def _prepared(self, job: Job) -> Prompt:
        """The prompt in the API's format, checked. The classes are asked for again where they refuse it."""
        known = bool(self._classes)
        try:
            return self._checked(job)
        except JobFailed:
            if not known:
                raise
        self._classes = {}
        return self._checked(job)

    def _checked(self, job: Job) -> Prompt:
        self._classes |= self._client.classes(class_names(job.workflow) - self._classes.keys())
        prompt = api_format(job.workflow, self._classes)
        set_values(prompt, job.values, self._classes)
        places = place_inputs(self._paths, job.id, job.inputs, anywhere=self._anywhere)
        needed = {each.name for each in job.inputs if each.needed}
        if unused := needed.intersection(use_inputs(prompt, places)):
            named = ", ".join(sorted(unused))
            raise JobFailed(Failure("BadInput", f"no node of the workflow has the value {named}", "give an input the "
                "name that stands in the workflow, or set it: NODE.INPUT=NAME"))  # fmt: skip
        check(prompt, self._classes, job.outputs)
        return prompt

    def _progress(self, record: Record, progress: Progress) -> None:
        if progress.started and record.state != RUNNING:
            record.state = RUNNING
            self._keep(record)
        record.share, record.node = progress.share, progress.node
        if time.monotonic() >= self._keep_again:  # for others who follow it; once a second is enough
            self._keep(record)
        else:
            self._tell(record)

    def _wait_until_up(self, until: float) -> None:
        """Raises JobFailed: it cannot come up, or not in time."""
        began = time.monotonic()
        while not is_up(self._client.port, self._service.health_path, _PROBE_S):
            self._refuse_if_over("", until)
            waited = time.monotonic() - began
            for condition in read_conditions(self._paths.runtime):
                fails = condition.name == _FAILS and waited > _FAILS_S
                if fails or self._service.name in blocked_services({condition.name}):
                    raise JobFailed(Failure("ComfyUIDown", f"{condition.name}: {condition.reason}", condition.remedy))
            if waited > self._service.startup_grace:
                words = f"it did not respond within {self._service.startup_grace} s"
                raise JobFailed(Failure("ComfyUIDown", words, "read ComfyUI's log"))
            self._pause()

    def _over(self, until: float) -> bool:
        return self._stopped() or self._cancelled() or time.monotonic() >= until

    def _refuse_if_over(self, prompt_id: str, until: float) -> None:
        """Raises JobFailed or Stopped where the job's time is over; the prompt is cancelled."""
        if not self._over(until):
            return
        if prompt_id:
            with contextlib.suppress(Unreachable):
                self._client.cancel(prompt_id)
        if self._cancelled():
            raise JobFailed(Failure("Cancelled", "it was cancelled", ""))
        if self._stopped():
            raise Stopped
        raise JobFailed(Failure("TimedOut", "it was not done within its time", "give it a longer time, or less to do"))

    def _keep(self, record: Record) -> None:
        self._records.write(record)
        self._keep_again = time.monotonic() + _KEEP_S
        self._tell(record)

    def _pause(self) -> None:
        time.sleep(_PERIOD_S)


def _extra(job: Job) -> Mapping[str, Any]:
    """Comfy.org's key by ComfyUI's name of it; it is among those that ComfyUI keeps out of its history."""
    return {"api_key_comfy_org": job.api_key} if job.api_key else {}
