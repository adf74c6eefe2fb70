"""A: puts a job's input files where ComfyUI reads them: `input/jobs/<id>/`, never over a file of the user's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterable
from typing import BinaryIO

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.request_inputs import Input, content_problem
from entrypoint.models.errors import ConnectionBroken, DownloadError, RetryableError
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.response import Response
from entrypoint.settings.paths import Paths
from entrypoint.system.files import open_regular
from entrypoint.workflows.document import plain
from entrypoint.workflows.hub import BRIEF

#: Bytes of an input file that comes from an address.
_MOST = 1 << 30
_FOLDER = "jobs"


def place_inputs(paths: Paths, job_id: str, inputs: Iterable[Input], *, anywhere: bool) -> dict[str, str]:
    """Write each file; returns its name -> its place below ComfyUI's input folder.

    `anywhere`: whether paths may lie outside the data folder; not for requests from a network.

    Raises:
        JobFailed: A file cannot be had.
        OSError: The volume refuses it.
    """
    places = {}
    for each in inputs:
        if each.path:
            places[each.name] = _of_the_pod(paths, job_id, each, anywhere=anywhere)
            continue
        with _new_file(paths, job_id, each.name) as file:
            if each.url:
                asyncio.run(_fetch(each, file))
            else:
                file.write(each.data)
        places[each.name] = f"{_FOLDER}/{job_id}/{each.name}"
    return places


def remove_inputs(paths: Paths, job_id: str) -> None:
    """Remove the files that `place_inputs` has written."""
    shutil.rmtree(_folder(paths, job_id), ignore_errors=True)
    with contextlib.suppress(OSError):  # other jobs'
        os.rmdir(os.path.dirname(_folder(paths, job_id)))


def _folder(paths: Paths, job_id: str) -> str:
    return f"{paths.data}/input/{_FOLDER}/{job_id}"


def _new_file(paths: Paths, job_id: str, name: str) -> BinaryIO:
    folder = _folder(paths, job_id)
    os.makedirs(folder, exist_ok=True)
    return open(f"{folder}/{name}", "w+b")


def _of_the_pod(paths: Paths, job_id: str, wanted: Input, *, anywhere: bool) -> str:
    """A file of the data folder: used where it is, if that is ComfyUI's input folder, else copied."""
    given = os.path.join(paths.data, wanted.path)
    found, data = os.path.realpath(given), os.path.realpath(paths.data)
    if not anywhere and not found.startswith(data + "/"):
        raise _bad(wanted, f"its path leads out of {paths.data}")
    try:
        with open_regular(found) as source:
            if problem := content_problem(wanted.name, source.read(16)):
                raise _bad(wanted, problem)
            own = os.path.realpath(f"{paths.data}/input")
            if found.startswith(own + "/"):
                return os.path.relpath(found, own)
            source.seek(0)
            with _new_file(paths, job_id, wanted.name) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except OSError as error:
        raise _bad(wanted, f"{plain(wanted.path)}: {error.strerror}") from None
    return f"{_FOLDER}/{job_id}/{wanted.name}"


async def _fetch(wanted: Input, file: BinaryIO) -> None:
    if not wanted.url.startswith(("http://", "https://")):
        raise _bad(wanted, "its address must begin with https:// or http://")
    try:
        async with HttpClient(BRIEF) as client, client.follow(wanted.url) as (url, response):
            await _save(wanted, url, response, file)
    except (RetryableError, ConnectionBroken) as error:
        raise _away(wanted, str(error)) from None
    except DownloadError as error:
        raise (_away if error.temporary else _bad)(wanted, error.reason) from None


async def _save(wanted: Input, url: str, response: Response, file: BinaryIO) -> None:
    if response.status >= 500 or response.status == 429:
        raise _away(wanted, f"HTTP {response.status}")
    if response.status != 200:
        raise _bad(wanted, f"{without_query(url)} responds with HTTP {response.status}")
    async for _ in response.stream_to(file.write):
        if file.tell() > _MOST:
            raise _bad(wanted, f"it has more than {_MOST >> 20} MB")
    file.seek(0)
    if problem := content_problem(wanted.name, file.read(16)):
        raise _bad(wanted, problem)


def _bad(wanted: Input, why: str) -> JobFailed:
    return JobFailed(
        Failure(
            "BadInput",
            f"input {wanted.name!r} {why}" if why.startswith("is ") else f"input {wanted.name!r}: {why}",
            "correct the request",
        )
    )


def _away(wanted: Input, why: str) -> JobFailed:
    return JobFailed(Failure("InputUnreachable", f"input {wanted.name!r}: {why}", "try again later"))
