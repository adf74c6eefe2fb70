"""Stands in for ComfyUI where jobs run through it: queue, history, WebSocket, and nodes that wait, fail or end it.

Written after server.py and execution.py of ComfyUI 0.29. It runs in the tests' own Python.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketHandler

PICTURE = bytes.fromhex("89504e470d0a1a0a") + b"a picture"


def node(required: dict[str, Any], output_node: bool = False) -> dict[str, Any]:
    return {
        "input": {"required": required},
        "input_order": {"required": list(required)},
        "output_node": output_node,
    }


CLASSES = {
    "EmptyImage": node({"width": ["INT", {"default": 512, "min": 1, "max": 16384}], "color": ["INT", {"default": 0}]}),
    "LoadImage": node({"image": [["there.png"], {"image_upload": True}]}),
    "CheckpointLoaderSimple": node({"ckpt_name": [["here.safetensors"], {}]}),
    "Ein/100% Größe": node({"image": ["IMAGE"]}),
    "Wait": node({"seconds": ["FLOAT", {"default": 0.1, "min": 0.0, "max": 600.0}], "image": ["IMAGE"]}),
    "Fail": node({"image": ["IMAGE"]}),
    "EndComfyUI": node({"image": ["IMAGE"]}),
    "SaveImage": node({"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}, output_node=True),
}
QUEUE: list[tuple[int, str, dict[str, Any], str]] = []
RUNNING: list[tuple[int, str, dict[str, Any], str]] = []
HISTORY: dict[str, Any] = {}
SOCKETS: dict[str, list["Socket"]] = {}
INTERRUPTED: set[str] = set()
WAKE = asyncio.Event()
BASE = Path()


def tell(client: str, kind: str, data: dict[str, Any]) -> None:
    for socket in list(SOCKETS.get(client, ())):
        socket.write_message(json.dumps({"type": kind, "data": data}))


async def work() -> None:
    while True:
        while QUEUE:
            item = QUEUE.pop(0)
            RUNNING.append(item)
            HISTORY[item[1]] = await run(*item[1:])
            RUNNING.remove(item)
        WAKE.clear()
        await WAKE.wait()


async def run(prompt_id: str, prompt: dict[str, Any], client: str) -> dict[str, Any]:
    tell(client, "execution_start", {"prompt_id": prompt_id})
    with (BASE / "ran").open("a") as ran:
        ran.write(f"{prompt_id}\n")
    outputs: dict[str, Any] = {}
    messages: list[Any] = []
    state = "success"
    for key, each in prompt.items():
        tell(client, "executing", {"prompt_id": prompt_id, "node": key})
        kind, inputs = each["class_type"], each["inputs"]
        if kind == "Wait":
            for _ in range(int(inputs["seconds"] * 100)):
                await asyncio.sleep(0.01)
                if prompt_id in INTERRUPTED:
                    break
        if prompt_id in INTERRUPTED:
            messages, state = [["execution_interrupted", {"prompt_id": prompt_id}]], "error"
            break
        if kind == "EndComfyUI":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "Fail":
            data = {"prompt_id": prompt_id, "node_id": key, "node_type": kind, "exception_type": "ValueError",
                    "exception_message": "the picture is upside down"}  # fmt: skip
            messages, state = [["execution_error", data]], "error"
            tell(client, "execution_error", data)
            break
        if kind == "SaveImage":
            prefix = inputs.get("filename_prefix", "ComfyUI")
            folder = BASE / "output"
            folder.mkdir(parents=True, exist_ok=True)
            name = f"{prefix}_{len(list(folder.glob(f'{prefix}_*'))) + 1:05}_.png"
            (folder / name).write_bytes(PICTURE)
            outputs[key] = {"images": [{"filename": name, "subfolder": "", "type": "output"}]}
    tell(client, f"execution_{state}", {"prompt_id": prompt_id})
    return {"outputs": outputs, "status": {"status_str": state, "completed": state == "success", "messages": messages}}


class Stats(RequestHandler):
    def get(self) -> None:
        self.finish({"system": {"comfyui_version": "0.0.0-fake"}, "devices": []})


class Classes(RequestHandler):
    def get(self, name: str = "") -> None:
        if name == "Broken":
            raise HTTPError(500, reason="it cannot describe itself")
        self.finish({name: CLASSES[name]} if name in CLASSES else {} if name else CLASSES)


class Prompt(RequestHandler):
    def post(self) -> None:
        body = json.loads(self.request.body)
        prompt_id = body.get("prompt_id") or str(uuid.uuid4())
        if str(uuid.UUID(prompt_id)) != prompt_id:
            self.set_status(400)
            self.finish({"error": {"message": "prompt_id must be a valid UUID"}, "node_errors": {}})
            return
        QUEUE.append((0, prompt_id, body["prompt"], body.get("client_id")))
        WAKE.set()
        self.finish({"prompt_id": prompt_id, "number": 0, "node_errors": {}})


class History(RequestHandler):
    def get(self, prompt_id: str) -> None:
        self.finish({prompt_id: HISTORY[prompt_id]} if prompt_id in HISTORY else {})


class Queue(RequestHandler):
    def get(self) -> None:
        self.finish({"queue_running": RUNNING, "queue_pending": QUEUE})

    def post(self) -> None:
        QUEUE[:] = [each for each in QUEUE if each[1] not in json.loads(self.request.body).get("delete", ())]


class Interrupt(RequestHandler):
    def post(self) -> None:
        INTERRUPTED.add(json.loads(self.request.body).get("prompt_id"))


class Socket(WebSocketHandler):
    def open(self) -> None:
        SOCKETS.setdefault(self.get_argument("clientId"), []).append(self)

    def on_close(self) -> None:
        SOCKETS[self.get_argument("clientId")].remove(self)


async def main() -> None:
    global BASE
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--base-directory", default=".")
    known, _ = parser.parse_known_args()
    BASE = Path(known.base_directory)
    Application([
        (r"/system_stats", Stats), (r"/object_info", Classes), (r"/object_info/([^/]+)", Classes),
        (r"/prompt", Prompt), (r"/history/(.+)", History),
        (r"/queue", Queue), (r"/interrupt", Interrupt), (r"/ws", Socket),
    ]).listen(known.port, "127.0.0.1")  # fmt: skip
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, sys.exit)
    await work()


if __name__ == "__main__":
    asyncio.run(main())
