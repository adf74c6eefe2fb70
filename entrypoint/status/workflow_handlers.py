"""A: the request handlers of /workflow/..., which the door offers at ComfyUI's own origin, too (door/workflow.conf).

Every node's script shares that origin: nothing here reads a log, restarts a service or shows a secret.
"""

from __future__ import annotations

import json
from typing import Any

from tornado.web import HTTPError, stream_request_body

from entrypoint.status.base_handler import PrivateHandler
from entrypoint.status.workflow_work import Refused
from entrypoint.workflows.document import LARGEST

_JSON = "application/json"
_MOST_CHOSEN, _LONGEST = 1000, 500


class _WorkflowHandler(PrivateHandler):
    def check_type(self) -> None:
        """Refuse what is not JSON: no form and no beacon of a page sends that type without asking first."""
        if self.request.headers.get("Content-Type", "").split(";")[0] != _JSON:
            raise HTTPError(415)

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", _JSON)
        self.finish(json.dumps({"problem": self._reason}))

    async def refuse(self, refused: Refused) -> None:
        self.set_status(refused.status)
        await self.finish({"problem": self.live.redactor.text(str(refused))})


@stream_request_body
class WorkflowPlan(_WorkflowHandler):
    """POST /workflow/plan, a workflow: what it needs (`podkeeper workflow plan --json`), and the plan's `id`."""

    def prepare(self) -> None:
        self._body = bytearray()
        self.request.connection.set_max_body_size(LARGEST)  # type: ignore[union-attr] # an HTTP/1 connection
        super().prepare()

    def data_received(self, chunk: bytes) -> None:
        """A part of the body."""
        self._body += chunk

    async def post(self) -> None:
        self.check_type()  # not before the body has come: its sender would see a broken connection
        try:
            name, made = await self.live.workflow_work.plan(bytes(self._body))
        except Refused as refused:
            await self.refuse(refused)
            return
        await self.finish(self.live.redactor.tree(made) | {"id": name})


class WorkflowFetch(_WorkflowHandler):
    """POST /workflow/fetch, {plan, title, models, nodes}: 202 and a job's `id`; /workflow/state has its progress."""

    async def post(self) -> None:
        self.check_type()
        try:
            wanted = json.loads(self.request.body)
            plan, title = _word(wanted["plan"]), _word(wanted.get("title", ""))
            models, nodes = (_words(wanted.get(key, [])) for key in ("models", "nodes"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise HTTPError(400) from None
        try:
            job = await self.live.workflow_work.fetch(plan, title, models, nodes)
        except Refused as refused:
            await self.refuse(refused)
            return
        print(f"workflows: {len(models)} files and {len(nodes)} node packs: requested in ComfyUI", flush=True)
        self.set_status(202)
        await self.finish({"id": job})


class WorkflowState(_WorkflowHandler):
    """/workflow/state: what runs, what waits and the last outcomes (workflows/job_state.py)."""

    async def get(self) -> None:
        await self.finish(self.live.redactor.tree(await self.live.workflow_work.state()))


def _words(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_CHOSEN:
        raise TypeError
    return [_word(each) for each in value]


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError
    return value
