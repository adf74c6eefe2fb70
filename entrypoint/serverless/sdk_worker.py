"""A: the worker, in the environment of RunPod's SDK: each job goes to the program `jobs`, and its result back.

Run by path, not as a module: the SDK's environment has no `entrypoint`; from its modules this file uses only those that
need nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from entrypoint.jobs.outcome import OutputFile, kept_files
from entrypoint.jobs.queue import Full, Queue
from entrypoint.jobs.records import ENDED, Record
from entrypoint.serverless.shape import job_id_of, request_of, response_of
from entrypoint.settings.paths import Paths
from entrypoint.system.folder_changes import FolderChanges
from entrypoint.system.supervisord_rpc import start

_PERIOD_S, _TOLD_EVERY_S, _START_S = 0.1, 2.0, 5.0


@functools.cache
def paths() -> Paths:
    """The pod's paths."""
    return Paths.from_environ(os.environ)


@functools.cache
def queue() -> Queue:
    """The queue of the program `jobs`."""
    return Queue(paths())


@functools.cache
def changes() -> FolderChanges:
    """Of the queue's folder, which is there once a job was added."""
    return FolderChanges(queue().folder)


async def handle(job: dict[str, Any]) -> dict[str, Any]:
    """One job: the response in worker-comfyui's shape."""
    from runpod.serverless import progress_update  # type: ignore[import-not-found]

    result: dict[str, Any] = {}
    async for each in _work(job):
        if "progress" in each:
            if os.environ.get("RUNPOD_WEBHOOK_POST_OUTPUT"):  # the SDK's local server has no place for it
                progress_update(job, each)
        else:
            result = each
    return result


async def stream(job: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """The same as a stream: the progress, then the response."""
    async for each in _work(job):
        yield each


async def _work(job: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    job_id = job_id_of(str(job["id"]))
    request, refused = request_of(job.get("input"), job_id, os.environ.get("COMFY_ORG_API_KEY", ""))
    if refused:
        yield refused
        return
    try:
        record = queue().add(job_id, request)
        await _wake()
    except (OSError, Full) as error:
        yield {"error": f"The pod cannot take the job: {error}"}
        return
    try:
        async for now in _followed(record):
            yield {"progress": round(now.share, 3), "state": now.state, "node": now.node}
    except (asyncio.CancelledError, GeneratorExit):
        queue().cancel(job_id)  # RunPod has cancelled it, or its time is over
        raise
    ended = queue().records.read(job_id) or record
    response = await asyncio.get_running_loop().run_in_executor(None, _response, ended)
    if os.environ["REFRESH_WORKER"] == "true":
        response["refresh_worker"] = True
    yield response


async def _followed(record: Record) -> AsyncIterator[Record]:
    """The record, now and then, until the job has ended."""
    loop, told, woken = asyncio.get_running_loop(), 0.0, asyncio.get_running_loop().time()
    while record.state not in ENDED:
        mark = changes().mark()
        record = queue().records.read(record.id) or record
        now = loop.time()
        if record.state not in ENDED and now - told > _TOLD_EVERY_S:
            told = now
            yield record
        if now - woken > _START_S:  # it may have ended between the last look and the request
            woken = now
            await _wake()
        if record.state not in ENDED:
            await changes().wait(mark, _PERIOD_S)


async def _wake() -> None:
    """Start the program `jobs`, if it does not run. Without supervisord the pod stops, and RunPod gives the job to
    another worker."""
    await asyncio.get_running_loop().run_in_executor(None, start, paths().runtime, "jobs")


def _response(record: Record) -> dict[str, Any]:
    images, errors = [], []
    for file in kept_files(record.files):
        try:
            images.append(_image(record.id, file))
        except Exception as error:  # the SDK's upload raises whatever boto3 does
            errors.append(f"Error uploading or reading {file.name}: {error}")
    return response_of(record, images, errors)


def _image(job_id: str, file: OutputFile) -> dict[str, str]:
    path = f"{paths().data}/{file.folder}/{file.place}"
    if os.environ.get("BUCKET_ENDPOINT_URL"):
        from runpod.serverless.utils import rp_upload  # type: ignore[import-not-found]

        return {"filename": file.name, "type": "s3_url", "data": rp_upload.upload_image(job_id, path)}
    with open(path, "rb") as content:
        return {"filename": file.name, "type": "base64", "data": base64.b64encode(content.read()).decode()}


def main() -> None:
    """Take jobs until the worker is stopped."""
    import runpod  # type: ignore[import-not-found]

    streamed = os.environ["WORKER_STREAM"] == "true"
    runpod.serverless.start({"handler": stream if streamed else handle, "return_aggregate_stream": streamed})


if __name__ == "__main__":
    main()
