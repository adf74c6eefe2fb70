"""A: the job API, `/podkeeper/jobs`: hand a workflow in, follow it, get its files. openapi.json describes it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any
from urllib.parse import urlencode

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, stream_request_body

from entrypoint.jobs.deliver import path_of
from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.queue import Full, Queue
from entrypoint.jobs.records import ENDED, Record, new_id
from entrypoint.jobs.request import job_of
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings
from entrypoint.status import actions
from entrypoint.status.base_handler import PrivateHandler
from entrypoint.status.live import in_thread
from entrypoint.status.subscribers import event
from entrypoint.system.files import read_bytes

#: Bytes of a request: the input files' base64, and the workflow.
MOST_BODY = 96 << 20
#: Seconds for which a request may wait for its job, and an event stream lasts: RunPod's proxy cuts at 100.
_LONGEST_WAIT_S = 90.0
_PERIOD_S, _AGAIN_S = 0.1, 2.0
#: Bytes of the files that come with a response as base64.
_MOST_INLINE = 32 << 20
_LISTED = 100


class JobHandler(PrivateHandler):
    """The base of the API's handlers: JSON for everything, errors too."""

    def prepare(self) -> None:
        super().prepare()
        self.queue = Queue(self.live.paths)
        if self.get_query_argument("inline", "0") not in ("0", "1", "true", "false"):
            raise HTTPError(400, reason="inline must be 0 or 1")

    def refuse(self, status: int, reason: str, **more: Any) -> None:
        """Respond with an error."""
        self.set_status(status)
        self.finish({"error": reason, **more})

    def write_error(self, status_code: int, **_: Any) -> None:
        """Respond with an error that is no handler's own: 401, 403, 413."""
        self.set_header("Content-Type", "application/json")
        self.finish({"error": self._reason})

    async def respond(self, record: Record) -> None:
        """Respond with a record: 200 once it has ended, 202 before."""
        self.set_status(200 if record.state in ENDED else 202)
        inline = self.get_query_argument("inline", "0") in ("1", "true")
        await self.finish(await in_thread(self._shown, record, inline))

    def _shown(self, record: Record, inline: bool) -> dict[str, Any]:
        content, left = record.as_json(), _MOST_INLINE
        comfyui = service_named("comfyui").address(self.live.settings)
        for shown, file in zip(content["files"], record.files, strict=True):
            folder, _, name = file.place.rpartition("/")
            words = urlencode({"filename": name, "subfolder": folder, "type": file.folder})
            shown["url"] = f"{comfyui}view?{words}"
            if inline:
                try:
                    data = read_bytes(path_of(self.live.paths, file), left, links=False)
                except OSError as error:
                    shown["problem"] = error.strerror or "it cannot be read"
                else:
                    left -= len(data)
                    shown["data"] = base64.b64encode(data).decode()
        return content

    async def wait(self, job_id: str, seconds: float) -> Record | None:
        """The record once the job has ended, or after so many seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            record = await in_thread(self.queue.records.read, job_id)
            if record is None or record.state in ENDED or loop.time() >= until:
                return record
            await asyncio.sleep(_PERIOD_S)

    def seconds(self) -> float:
        """`?wait=SECONDS`."""
        text = self.get_query_argument("wait", "0")
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not 0 <= found <= _LONGEST_WAIT_S:
            raise HTTPError(400, reason=f"wait must be 0 to {_LONGEST_WAIT_S:.0f} seconds")
        return found


@stream_request_body
class Jobs(JobHandler):
    """GET: the newest jobs. POST: hands a job in."""

    def prepare(self) -> None:
        super().prepare()
        self.body = bytearray()
        if self.request.method == "POST":
            length = self.request.headers.get("Content-Length", "")
            if length.isdigit() and int(length) > MOST_BODY:
                raise HTTPError(413)
            self.request.connection.set_max_body_size(MOST_BODY)  # type: ignore[union-attr]

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk

    async def get(self) -> None:
        records = await in_thread(
            lambda: [each.as_json() for each, _ in zip(self.queue.records.all(), range(_LISTED), strict=False)]
        )
        await self.finish({"jobs": records})

    async def post(self) -> None:
        wait = self.seconds()
        try:
            content = json.loads(self.body)
            job = await in_thread(job_of, content)
        except (ValueError, RecursionError):
            return self.refuse(400, "the body is not JSON")
        except JobFailed as error:
            return self.refuse(400, error.failure.reason, failure=error.failure.as_json())
        finally:
            self.body = bytearray()
        if problem := await in_thread(webhook_problem, self.live.settings, job.webhook):
            return self.refuse(400, problem)
        job_id = job.id or new_id()
        try:
            record: Record | None = await in_thread(self.queue.add, job_id, content)
        except Full as error:
            self.set_header("Retry-After", "30")
            return self.refuse(429, str(error))
        except OSError as error:
            return self.refuse(503, f"the volume refuses the job: {error.strerror}")
        if record and record.state not in ENDED:
            problem = await in_thread(actions.control, self.live.paths, "jobs", "start")
            if problem and actions.RUNNING not in problem:
                return self.refuse(503, problem)
            if problem:  # it may have looked for jobs for the last time a moment ago
                loop = asyncio.get_running_loop()
                again = (None, actions.control, self.live.paths, "jobs", "start")
                loop.call_later(_AGAIN_S, loop.run_in_executor, *again)
        self.set_header("Location", f"jobs/{job_id}")
        record = await self.wait(job_id, wait)
        if record is None:
            return self.refuse(503, "the record of the job cannot be read")
        return await self.respond(record)


class OneJob(JobHandler):
    """GET: a job. DELETE: cancels it."""

    async def get(self, job_id: str) -> None:
        record = await self.wait(job_id, self.seconds())
        if record is None:
            return self.refuse(404, "there is no such job")
        return await self.respond(record)

    async def delete(self, job_id: str) -> None:
        try:
            record = await in_thread(self.queue.cancel, job_id)
        except OSError as error:
            return self.refuse(503, f"the volume refuses it: {error.strerror}")
        if record is None:
            return self.refuse(404, "there is no such job")
        return await self.respond(record)


class JobEvents(JobHandler):
    """A job's record, as server-sent events: now, at each change, and the last time once it has ended."""

    async def get(self, job_id: str) -> None:
        record = await in_thread(self.queue.records.read, job_id)
        if record is None:
            return self.refuse(404, "there is no such job")
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        loop = asyncio.get_running_loop()
        until, last = loop.time() + _LONGEST_WAIT_S, ""
        try:
            while record and loop.time() < until:
                text = json.dumps(record.as_json())
                if text != last:
                    self.write(event("job", text))
                    await self.flush()
                    last = text
                if record.state in ENDED:
                    break
                await asyncio.sleep(_PERIOD_S)
                record = await in_thread(self.queue.records.read, job_id)
        except StreamClosedError:
            pass  # the client has gone
        return None


def webhook_problem(settings: Settings, webhook: str) -> str:
    """Why a job's webhook is refused; "". A name that leads to a private network is refused when it is sent."""
    if not webhook or settings.webhooks_private:
        return ""
    from entrypoint.models.errors import DownloadError  # with libcurl: only where there is a webhook
    from entrypoint.models.transport.private_networks import check_literal, host_of

    host = host_of(webhook)
    try:
        check_literal("127.0.0.1" if host == "localhost" else host, ())
    except DownloadError:
        return "`webhook` is on a private network (WEBHOOKS_PRIVATE=true allows that)"
    return ""


class OpenApi(PrivateHandler):
    """The API's description."""

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(read_bytes(os.path.join(os.path.dirname(__file__), "job_openapi.json")))


def paths(common: dict[str, Any]) -> list[tuple[str, type[PrivateHandler], dict[str, Any]]]:
    """The API's paths with their handlers."""
    one = r"/podkeeper/jobs/([^/]+)"
    return [
        (r"/podkeeper/jobs", Jobs, common),
        (r"/podkeeper/openapi\.json", OpenApi, common),
        (one, OneJob, common),
        (rf"{one}/events", JobEvents, common),
    ]
