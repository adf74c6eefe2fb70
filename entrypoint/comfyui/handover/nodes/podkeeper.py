"""A: loaded by ComfyUI as a custom node that brings no nodes; has the gateway send large files in ComfyUI's place.

Where nginx asks for it, an answer that is a file becomes the file's name, and nginx sends the file from the disk
(X-Accel-Redirect, nginx.org/en/docs/http/ngx_http_proxy_module.html): twice the speed of passing it on (bench/gateway),
and ComfyUI has nothing to do meanwhile. ComfyUI has judged the request by then; what it refuses is never named.
Runs in ComfyUI's environment: nothing of ours can be imported here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from server import PromptServer  # type: ignore[import-not-found] # ComfyUI's own

#: ComfyUI looks for this.
NODE_CLASS_MAPPINGS: dict[str, Any] = {}
#: Bytes below which it is not worth another look at the disk.
SMALLEST = 1 << 20
ASKED, ANSWER, PREFIX = "X-Podkeeper-Files", "X-Accel-Redirect", "/podkeeper/files/"


@web.middleware
async def hand_over(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What ComfyUI would answer, or where nginx finds it."""
    response = await handler(request)
    if ASKED not in request.headers or not isinstance(response, web.FileResponse) or response.status != 200:
        return response
    data = os.environ.get("PODKEEPER_DATA_PATH", "")
    name = await asyncio.to_thread(name_below, data, str(getattr(response, "_path", "")))
    if not name or "Content-Type" not in response.headers:
        return response
    return web.Response(headers={**response.headers, ANSWER: PREFIX + quote(os.fsencode(name))})


def name_below(data: str, path: str) -> str:
    """The name of a large file below `data`; "" for all that ComfyUI had better send itself."""
    path = os.path.normpath(path)
    if not data or not path.startswith(f"{os.path.normpath(data)}/"):
        return ""
    try:
        large = os.path.getsize(path) >= SMALLEST
    except OSError:
        return ""
    return os.path.relpath(path, data) if large else ""


if getattr(PromptServer, "instance", None) is not None:
    PromptServer.instance.app.middlewares.append(hand_over)
