"""A: a middleware for ComfyUI, loaded as a custom node without nodes: nginx sends large files in ComfyUI's place.

For a request with nginx's header, a response that is a file becomes the file's name, and nginx sends the file from
the disk (X-Accel-Redirect, nginx.org/en/docs/http/ngx_http_proxy_module.html): twice the speed of proxying it
(bench/gateway), without work for ComfyUI. ComfyUI decides first: a file that it refuses is never named.
This module runs in ComfyUI's Python environment; of podkeeper's it can import `entrypoint/queue/inside` alone, which
keeps the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from server import PromptServer  # type: ignore[import-not-found] # ComfyUI's own

#: ComfyUI requires this name in a custom node.
NODE_CLASS_MAPPINGS: dict[str, Any] = {}
#: The extension of ComfyUI's page. Not below this folder, where ComfyUI takes each folder for a custom node.
WEB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "web")
#: Bytes from which a handover is worth the second access to the disk.
MIN_SIZE = 1 << 20
#: Seconds for which a hold counts: it is for the moment before a restart, and its maker may be dead.
HOLD_S = 15.0
_PROMPT, _QUEUE = ("/prompt", "/api/prompt"), ("/queue", "/api/queue")
_HELD = {
    "error": {
        "type": "podkeeper_hold",
        "message": "ComfyUI is about to restart: queue the workflow again in a minute",
        "details": "",
        "extra_info": {},
    },
    "node_errors": {},
}
_DRAINED = {
    "error": {
        "type": "podkeeper_drain",
        "message": "the pod is being drained before a stop, and accepts no new workflow; undo: podkeeper drain --undo",
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

    While ComfyUI is held (nodes/idle.py) or drained (queue/drain.py) no workflow is accepted.
    """
    if request.method != "POST" or request.path not in _PROMPT:
        response = await handler(request)
        if keeper and request.method == "POST" and request.path in _QUEUE:
            await keeper.written()  # what was deleted stays so
        return response
    if is_held():
        return web.json_response(_HELD, status=503, headers={"Retry-After": "30"})
    if is_drained():
        return web.json_response(_DRAINED, status=503, headers={"Retry-After": "60"})
    body: dict[str, Any] = {}
    # Before the handler: a node may end ComfyUI before that has responded. aiohttp keeps the body for the handler.
    with contextlib.suppress(Exception):  # nothing that ComfyUI does may depend on this
        body = await request.json()
        _note(custom_nodes(body.get("prompt", {})))
    return await _kept(body, request, handler) if keeper else await handler(request)


async def _kept(
    body: dict[str, Any], request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """ComfyUI's response, once the prompt is in the journal; for a second POST of an id, the first one's response."""
    assert keeper  # noqa: S101 # the caller has seen to it
    await keeper.settled()
    name = body.get("prompt_id") if isinstance(body, dict) else None
    if isinstance(name, str):
        async with keeper.one_by_one:  # a second POST of an id comes while the first one is validated
            known = keeper.live(name)
            if known is not None:
                return web.json_response({"prompt_id": known.id, "number": int(known.number), "node_errors": {}})
            response = await handler(request)
    else:
        response = await handler(request)
    await keeper.written()
    return response


def is_held() -> bool:
    """Whether no new workflow is accepted."""
    path = f"{os.environ.get('PODKEEPER_RUNTIME_PATH', '')}/requests/comfyui-hold"
    try:
        return 0 <= time.time() - os.stat(path).st_mtime < HOLD_S
    except OSError:
        return False


def is_drained() -> bool:
    """Whether no new workflow is accepted before a stop (entrypoint/queue/drain.py)."""
    return os.path.lexists(f"{os.environ.get('PODKEEPER_RUNTIME_PATH', '')}/requests/comfyui-drain")


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


def note_graph(graph: dict[str, Any]) -> None:
    """Note the uses of a workflow that was put back, when it begins: one that ends ComfyUI then is known, too."""
    _note(custom_nodes(graph))


def _keep_queue() -> Any:
    """The queue's keeper (entrypoint/queue/inside/keeper.py), or None."""
    folder = os.path.abspath(f"{os.path.dirname(__file__)}/../../../queue/inside")
    spec = importlib.util.spec_from_file_location(
        "podkeeper_queue", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None or not getattr(PromptServer.instance, "prompt_queue", None):
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules["podkeeper_queue"] = module
    spec.loader.exec_module(module)
    return importlib.import_module("podkeeper_queue.keeper").install(PromptServer.instance, os.environ, note_graph)


def serve_extension() -> None:
    """Let ComfyUI serve the extension of its page at /extensions/podkeeper.

    Not by WEB_DIRECTORY: for a custom node that is one file, ComfyUI 0.29 makes an address of the file's whole path.
    """
    with contextlib.suppress(ImportError, AttributeError):
        import nodes

        nodes.EXTENSION_WEB_DIRS["podkeeper"] = WEB


keeper: Any = None
if getattr(PromptServer, "instance", None) is not None:
    serve_extension()
    try:
        keeper = _keep_queue()
    except Exception as error:  # ComfyUI runs without
        print(f"podkeeper: the queue is not kept: {type(error).__name__}: {error}", flush=True)
    PromptServer.instance.app.middlewares.append(hand_over)
    PromptServer.instance.app.middlewares.append(note_uses)
