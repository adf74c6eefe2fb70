"""A: a middleware for ComfyUI, loaded as a custom node without nodes: nginx sends large files in ComfyUI's place.

For a request with nginx's header, a response that is a file becomes the file's name, and nginx sends the file from
the disk (X-Accel-Redirect, nginx.org/en/docs/http/ngx_http_proxy_module.html): twice the speed of proxying it
(bench/gateway), without work for ComfyUI. ComfyUI decides first: a file that it refuses is never named.
This module runs in ComfyUI's Python environment and can import nothing of podkeeper's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from server import PromptServer  # type: ignore[import-not-found] # ComfyUI's own

#: ComfyUI requires this name in a custom node.
NODE_CLASS_MAPPINGS: dict[str, Any] = {}
#: Bytes from which a handover is worth the second access to the disk.
MIN_SIZE = 1 << 20
#: Seconds for which a hold counts: it is for the moment before a restart, and its maker may be dead.
HOLD_S = 15.0
_PROMPT = ("/prompt", "/api/prompt")
_HELD = {
    "error": {
        "type": "podkeeper_hold",
        "message": "ComfyUI is about to restart: queue the workflow again in a minute",
        "details": "",
        "extra_info": {},
    },
    "node_errors": {},
}
REQUEST_HEADER, RESPONSE_HEADER, PREFIX = "X-Podkeeper-Files", "X-Accel-Redirect", "/podkeeper/files/"


@web.middleware
async def hand_over(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """ComfyUI's response, or the name of the file in it for nginx."""
    response = await handler(request)
    if REQUEST_HEADER not in request.headers or not isinstance(response, web.FileResponse) or response.status != 200:
        return response
    data = os.environ.get("PODKEEPER_DATA_PATH", "")
    name = await asyncio.to_thread(name_below, data, str(getattr(response, "_path", "")))
    if not name or "Content-Type" not in response.headers:
        return response
    return web.Response(headers={**response.headers, RESPONSE_HEADER: PREFIX + quote(os.fsencode(name))})


@web.middleware
async def note_uses(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Note when each custom node is first used: who ends ComfyUI twice within a minute of that is left out.

    While ComfyUI is held (nodes/idle.py) no workflow is accepted: it would be lost with this process.
    """
    if request.method == "POST" and request.path in _PROMPT and is_held():
        return web.json_response(_HELD, status=503, headers={"Retry-After": "30"})
    # Before the handler: a node may end ComfyUI before that has responded. aiohttp keeps the body for the handler.
    if request.method == "POST" and request.path in _PROMPT:
        with contextlib.suppress(Exception):  # nothing that ComfyUI does may depend on this
            _note(custom_nodes((await request.json()).get("prompt", {})))
    return await handler(request)


def is_held() -> bool:
    """Whether no new workflow is accepted."""
    path = f"{os.environ.get('PODKEEPER_RUNTIME_PATH', '')}/requests/comfyui-hold"
    try:
        return 0 <= time.time() - os.stat(path).st_mtime < HOLD_S
    except OSError:
        return False


def custom_nodes(prompt: dict[str, Any]) -> set[str]:
    """The entries of custom_nodes whose nodes a workflow in ComfyUI's API format has."""
    import nodes  # type: ignore[import-not-found] # ComfyUI's own

    modules = (
        getattr(nodes.NODE_CLASS_MAPPINGS.get(each.get("class_type")), "RELATIVE_PYTHON_MODULE", "")
        for each in prompt.values()
    )
    return {name for each in modules if (name := each.partition("custom_nodes.")[2])}


_first_uses: dict[str, float] = {}


def _note(names: set[str]) -> None:
    new = {name: time.time() for name in names if name not in _first_uses}
    if new:
        _first_uses.update(new)
        path = f"{os.environ['PODKEEPER_RUNTIME_PATH']}/reports/comfyui-uses.json"
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(_first_uses, file)
        os.replace(f"{path}.new", path)


def name_below(data: str, path: str) -> str:
    """The name of a large file below `data`; "" for a file that ComfyUI sends itself."""
    path = os.path.normpath(path)
    if not data or not path.startswith(f"{os.path.normpath(data)}/"):
        return ""
    try:
        large = os.path.getsize(path) >= MIN_SIZE
    except OSError:
        return ""
    return os.path.relpath(path, data) if large else ""


if getattr(PromptServer, "instance", None) is not None:
    PromptServer.instance.app.middlewares.append(hand_over)
    PromptServer.instance.app.middlewares.append(note_uses)
