"""A: the work of the program `workflows`: the jobs of a click first, then the workflows of WORKFLOWS.

Where node packs were installed, ComfyUI restarts between two workflows of its queue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from entrypoint.conditions.condition import Condition
from entrypoint.models.errors import VolumeFailed
from entrypoint.models.outcome import DONE, INCOMPLETE, LATER
from entrypoint.models.report import log
from entrypoint.nodes.idle import restart_if_idle, runs
from entrypoint.nodes.outcome import Refused
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings, without_query
from entrypoint.system.condition_store import clear_condition, raise_condition
from entrypoint.system.readiness import wait_until_settled
from entrypoint.workflows.choose import chosen, problems
from entrypoint.workflows.document import NotAWorkflow
from entrypoint.workflows.fetch import Fetched, fetch_all
from entrypoint.workflows.job_state import BOOT, CLICK, JobState
from entrypoint.workflows.jobs import Job, remove_job, waiting_jobs
from entrypoint.workflows.library import deliver
from entrypoint.workflows.open_workflow import CannotRead, open_workflow
from entrypoint.workflows.survey import make_plan

CONDITION = "WorkflowsIncomplete"
_PROBE_EVERY_S, _EVERY_S = 0.5, 1.0
_REMEDY = "see what each one needs: podkeeper workflow plan FILE; then: podkeeper restart workflows"


class Stopped(Exception):
    """A signal has ended the work."""


class Worker:
    """One run of the program."""

    def __init__(self, settings: Settings, paths: Paths, places: Sequence[str]) -> None:
        """`places`: of WORKFLOWS, addresses with their query."""
        self._settings, self._paths, self._places = settings, paths, places
        self._state = JobState(paths)
        self._new_nodes = False

    def run(self) -> int:
        """Do what there is to do; returns the exit code."""
        self._state.write()
        try:
            self._do_jobs()
            code = self._do_workflows()
            self._restart()
        except Stopped:
            return LATER
        return code

    def _do_jobs(self) -> None:
        while jobs := waiting_jobs(self._paths):
            job = jobs[0]
            log(f"workflow: {job.title}: {len(job.models)} files and {len(job.nodes)} node packs, asked for in ComfyUI")
            self._state.begin(job.id, job.title, CLICK, sorted(job.nodes))
            self._end(asyncio.run(self._guarded(job.workflow, job)), job.id)

    def _end(self, done: Fetched, job: str = "") -> None:
        """Record an outcome. One that was stopped is not resumed: the stop was its cancellation."""
        self._new_nodes |= done.nodes > 0
        remove_job(self._paths, job)
        self._state.end(done)
        if done.stopped:
            raise Stopped

    def _do_workflows(self) -> int:
        if not self._places:
            clear_condition(self._paths.runtime, CONDITION)
            return DONE
        shown = [without_query(each) for each in self._places]
        if self._state.is_complete(shown):  # since the pod's start: a click has started the program once more
            return DONE
        waited = wait_until_settled(self._settings, self._paths.runtime, _PROBE_EVERY_S)
        log(f"workflow: waited {waited:.0f} s for the services")
        failed: list[str] = []
        codes = [DONE]
        for where in self._places:
            self._do_jobs()
            done = self._do_workflow(where)
            codes.append(done.code)
            if done.problems:
                more = f" (and {len(done.problems) - 1} more)" if len(done.problems) > 1 else ""
                failed.append(f"{without_query(where)}: {done.problems[0]}{more}")
        self._do_jobs()
        if not failed:
            clear_condition(self._paths.runtime, CONDITION)
            self._state.complete(shown)
            log("workflow: the workflows of WORKFLOWS and what they need are installed")
            return DONE
        reason = f"{len(failed)} of {len(self._places)} workflows are not complete: " + "; ".join(failed)
        if raise_condition(self._paths.runtime, Condition(CONDITION, reason, _REMEDY)):
            log(f"workflow: {CONDITION}: {reason}; {_REMEDY}")
        return LATER if LATER in codes else INCOMPLETE

    def _do_workflow(self, where: str) -> Fetched:
        shown = without_query(where)
        self._state.begin(shown, shown.rpartition("/")[2], BOOT)
        done = asyncio.run(self._guarded(where))
        self._end(done)
        return done

    async def _guarded(self, where: str, job: Job | None = None) -> Fetched:
        """The work, whose failure is an outcome."""
        try:
            return await self._fetch(where, job)
        except NotAWorkflow as error:
            problem, code = f"it is no workflow: {error}", INCOMPLETE
        except CannotRead as error:
            problem, code = f"it cannot be read: {error}", LATER if error.temporary else INCOMPLETE
        except VolumeFailed as error:
            problem, code = f"{error}; {error.remedy}", LATER
        except OSError as error:
            problem, code = f"the volume refuses: {error.strerror or error}", LATER
        log(f"workflow: {job.title if job else without_query(where)}: {problem}")
        return Fetched(code, [problem])

    async def _fetch(self, where: str, job: Job | None) -> Fetched:
        settings, paths = self._settings, self._paths
        if job is None:
            delivered = await deliver(settings, paths, where)
            if delivered.note:
                log(f"workflow: {delivered.note}")
            where = delivered.copy
        plan = await make_plan(settings, paths, await open_workflow(settings, where), with_candidates=False)
        if job is not None:
            plan = chosen(plan, job.models, job.nodes)
        done = await fetch_all(settings, paths, plan, nodes=True, progress=self._state)
        if not done.stopped:
            done.problems += problems(plan)
        return done

    def _restart(self) -> None:
        """Restart ComfyUI for its new nodes once no workflow runs or waits."""
        while self._new_nodes and runs(self._paths):
            try:
                if restart_if_idle(self._settings, self._paths):
                    log("workflow: ComfyUI restarts, and loads its new nodes")
                    self._state.restarts("", done=True)
                    return
            except Refused as error:
                log(f"workflow: {error}")
                break
            self._state.restarts("new nodes are loaded once ComfyUI's queue is empty")
            time.sleep(_EVERY_S)
            self._do_jobs()
        self._state.restarts("")
