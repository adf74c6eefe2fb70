"""A: reads a workflow from a file, an address or standard input."""

from __future__ import annotations

import io
import sys
from typing import BinaryIO

from entrypoint.models.errors import DownloadError
from entrypoint.models.sources.base import NotAnAddress
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.pasted import one_file
from entrypoint.models.sources.registry import configured, source_of
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.settings.settings import Settings
from entrypoint.system.files import open_regular
from entrypoint.workflows.document import LARGEST, NotAWorkflow, Workflow, parse, plain
from entrypoint.workflows.embedded import is_container, workflow_in
from entrypoint.workflows.hub import BRIEF

#: Bytes of a picture or video that comes from an address or from standard input: it is held in memory.
_MOST = 256 << 20


class CannotRead(Exception):
    """The workflow cannot be read; the message says why, in one line. `temporary`: a later try may succeed."""

    def __init__(self, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary


async def open_workflow(settings: Settings, where: str) -> Workflow:
    """Read a workflow. `where`: a path, an address, or `-`. Raises NotAWorkflow, CannotRead."""
    return parse(await read_workflow(settings, where))


async def read_workflow(settings: Settings, where: str) -> bytes:
    """The JSON of a workflow, also of one inside a picture or video. Raises NotAWorkflow, CannotRead."""
    try:
        if where == "-":
            return _read(io.BytesIO(_whole(sys.stdin.buffer.read(_MOST + 1))))
        if where.startswith(("http://", "https://")):
            return _read(io.BytesIO(_whole(await _get(settings, where))))
        with open_regular(where, links=True) as file:
            return _read(file)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise CannotRead(getattr(error, "strerror", None) or plain(str(error)) or type(error).__name__) from None


def _read(file: BinaryIO) -> bytes:
    head = file.read(16)
    return workflow_in(file) if is_container(head) else head + file.read(LARGEST + 1 - len(head))


def _whole(data: bytes) -> bytes:
    if len(data) > _MOST:
        raise NotAWorkflow(f"it has more than {_MOST >> 20} MB: save it as a file, then name that")
    return data


async def _get(settings: Settings, given: str) -> bytes:
    """The content at an address that the user has typed, a page of Hugging Face or GitHub too."""
    sources = configured(settings)
    try:
        keys = dict(one_file(given, sources).keys)
    except NotAnAddress as error:
        raise CannotRead(str(error)) from None
    file = File(bundle="", source=keys.pop("source"), dest="workflow.json", keys=keys)
    url = source_of(file, sources).address(file)
    try:
        async with HttpClient(BRIEF) as client:
            client.allow(url)
            async with client.follow(url) as (last, response):
                if response.status != 200:
                    again = response.status >= 500 or response.status in (408, 429)
                    raise CannotRead(f"{without_query(last)} responds with HTTP {response.status}", temporary=again)
                return await response.read(_MOST + 1)
    except DownloadError as error:
        raise CannotRead(error.reason, temporary=error.temporary) from None
