"""Stands in for ComfyUI where it is about files: aiohttp as there, `/view` and `/upload/image` as there, our handover.

usage: files.py --port N --base-directory DIR     PODKEEPER_DATA_PATH as ComfyUI has it
"""

import argparse
import mimetypes
import pathlib
import sys
import types
from importlib.machinery import SourceFileLoader

from aiohttp import web

HANDOVER = pathlib.Path(__file__).parents[4] / "entrypoint/comfyui/handover/nodes/podkeeper.py"
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--base-directory", type=pathlib.Path)
known = parser.parse_args()


async def view(request: web.Request) -> web.StreamResponse:
    """As server.py of ComfyUI 0.29 answers it."""
    name = request.query["filename"]
    path = known.base_directory / "output" / request.query.get("subfolder", "") / name
    if not path.is_file():
        return web.Response(status=404)
    headers = {
        "Content-Disposition": f'filename="{name}"',
        "Content-Type": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "X-Content-Type-Options": "nosniff",
    }
    return web.FileResponse(path, headers=headers)


async def queue(_: web.Request) -> web.Response:
    return web.json_response({})


async def small(_: web.Request) -> web.Response:
    return web.Response(body=bytes(1024))


async def upload(request: web.Request) -> web.Response:
    """As image_upload of server.py takes it."""
    post = await request.post()
    image = post["image"]
    assert isinstance(image, web.FileField)
    content = image.file.read()
    (known.base_directory / "output" / image.filename).write_bytes(content)
    return web.json_response({"name": image.filename, "bytes": len(content)})


async def echo(request: web.Request) -> web.Response:
    return web.json_response(dict(request.headers))


application = web.Application(client_max_size=1 << 40)
application.add_routes(
    [
        web.get("/view", view), web.post("/upload/image", upload), web.get("/queue", queue),
        web.post("/prompt", queue), web.get("/source-1k", small), web.get("/echo", echo),
    ]
)  # fmt: skip
instance = types.SimpleNamespace(app=application)
sys.modules["server"] = types.SimpleNamespace(PromptServer=types.SimpleNamespace(instance=instance))  # type: ignore[assignment]
SourceFileLoader("handover", str(HANDOVER)).load_module()
web.run_app(application, host="127.0.0.1", port=known.port, print=None)
