"""A: what ComfyUI's page asks for: plans of workflows, in a child process, and jobs of the program `workflows`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Collection
from typing import Any

from entrypoint.settings.paths import Paths
from entrypoint.status.actions import control
from entrypoint.system.files import read_table
from entrypoint.workflows.job_state import BOOT, state_file
from entrypoint.workflows.jobs import TooMany, add_job, keep_plan, planned, waiting_jobs
from entrypoint.workflows.plan import ALL_INSTALLED, CAN_BE_HAD, CANNOT_BE_HAD

#: Seconds for a plan: the sizes alone may take 20.
_PLAN_S = 80.0
#: Plans that run or wait; each holds a workflow in memory.
_MOST_PLANS = 4
#: Until the program has taken a job: it may be ending just now, and supervisord does not start what still runs.
_TAKE_S, _TAKE_TRIES = 0.5, 20
_PROGRAM = "workflows"
_COMMAND = (sys.executable, "-I", "-m", "entrypoint.commands.workflow", "plan", "--json", "-")


class Refused(Exception):
    """Not done; the message says why, in one line, and `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class WorkflowWork:
    """Plans and jobs; one for the whole server."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._one = asyncio.Lock()  # a plan asks ComfyUI for 3 MB and walks the disk
        self._plans = 0
        self._taking: asyncio.Task[None] | None = None

    async def plan(self, workflow: bytes) -> tuple[str, dict[str, Any]]:
        """The plan (`podkeeper workflow plan --json`), and the id under which it is kept. Raises Refused."""
        if self._plans >= _MOST_PLANS:
            raise Refused(503, "other workflows are being planned; try again in a moment")
        self._plans += 1
        try:
            async with self._one:
                code, output = await _output(workflow)
        finally:
            self._plans -= 1
        text = output.decode(errors="replace").strip()
        if code not in (ALL_INSTALLED, CAN_BE_HAD, CANNOT_BE_HAD):
            said = text.splitlines()[-1] if text else f"the plan ended with {code}"
            raise Refused(400, said.removeprefix("workflow: ").replace("standard input", "this graph"))
        try:
            made: dict[str, Any] = json.loads(text[text.index("{\n") :])  # notes of the sources may come before it
        except ValueError:
            raise Refused(500, "the plan cannot be read") from None
        try:
            name = await asyncio.to_thread(keep_plan, self._paths, workflow, json.dumps(made).encode())
        except OSError as error:
            raise Refused(503, f"cannot keep the plan: {error.strerror}") from None
        return name, made

    async def fetch(self, plan_id: str, title: str, models: Collection[str], nodes: Collection[str]) -> str:
        """Ask for a job; returns its id. Raises Refused: also for what is not in that plan."""
        plan = await asyncio.to_thread(planned, self._paths, plan_id)
        if not plan:
            raise Refused(404, "this plan is not kept any more; plan the workflow again")
        if not (models or nodes) or set(models) - _models(plan) or set(nodes) - _nodes(plan):
            raise Refused(400, "the plan has no such model or node pack")
        try:
            job = await asyncio.to_thread(add_job, self._paths, plan_id, title, models, nodes)
        except OSError as error:
            raise Refused(503, f"cannot store the request: {error.strerror}") from None
        except TooMany as error:
            raise Refused(503, str(error)) from None
        if self._taking is None or self._taking.done():
            self._taking = asyncio.ensure_future(self._start())
        return job

    async def _start(self) -> None:
        """Start the program, until it has taken what waits. What it does for WORKFLOWS gives way, and resumes."""
        running = read_table(state_file(self._paths)).get("job")
        boot = isinstance(running, dict) and running.get("kind") == BOOT and running.get("phase") != "nodes"
        verb = "restart" if boot else "start"
        for _ in range(_TAKE_TRIES):
            problem = await asyncio.to_thread(control, self._paths, _PROGRAM, verb)
            verb = "start"
            await asyncio.sleep(_TAKE_S)
            if await asyncio.to_thread(self._has_taken):
                return
        print(f"workflows: what was asked for in ComfyUI waits for the program: {problem}", flush=True)

    def _has_taken(self) -> bool:
        running = read_table(state_file(self._paths)).get("job")
        names = {job.id for job in waiting_jobs(self._paths)}
        return not names or (isinstance(running, dict) and running.get("id") in names)

    async def state(self) -> dict[str, Any]:
        """What runs, waits and has ended."""
        found = await asyncio.to_thread(read_table, state_file(self._paths))
        waiting = [job.id for job in await asyncio.to_thread(waiting_jobs, self._paths)]
        keys = ("job", "done", "restart", "restarted")
        return {"podkeeper": 1, "waiting": waiting, **{key: found.get(key) for key in keys}}


def _models(plan: dict[str, Any]) -> set[str]:
    rows = plan.get("models", [])
    return {f"{each['directory']}/{each['name']}" if each["directory"] else each["name"] for each in rows}


def _nodes(plan: dict[str, Any]) -> set[str]:
    return {each["install"] for each in plan.get("nodes", []) if each["install"]}


async def _output(workflow: bytes) -> tuple[int, bytes]:
    """Run the plan's command; returns its exit code and what it printed. Raises Refused: it takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, env=dict(os.environ), start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        raise Refused(503, f"cannot plan: {error.strerror}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(workflow), _PLAN_S)
    except TimeoutError:
        raise Refused(504, f"the plan takes longer than {_PLAN_S:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, output
