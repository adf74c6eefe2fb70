"""Stands in for ComfyUI where it is about the queue: PromptQueue, POST /prompt and the worker as ComfyUI 0.29 has them
(execution.py, server.py, main.py), with nodes that take a while, write a file, or end the process.

usage: main.py --port N --base-directory DIR [--extra-model-paths-config FILE]
"""

import argparse
import asyncio
import contextlib
import copy
import heapq
import json
import os
import pathlib
import signal
import sys
import threading
import time
import types
import uuid
from importlib.machinery import SourceFileLoader
from typing import Any, NamedTuple

from aiohttp import web

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--base-directory", type=pathlib.Path)
parser.add_argument("--extra-model-paths-config", action="append", default=[], type=pathlib.Path)
known, _ = parser.parse_known_args()


class ExecutionStatus(NamedTuple):
    status_str: str
    completed: bool
    messages: list[Any]


class PromptQueue:
    """execution.py of 0.29, shortened."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.mutex = threading.RLock()
        self.not_empty = threading.Condition(self.mutex)
        self.task_counter = 0
        self.queue: list[Any] = []
        self.currently_running: dict[int, Any] = {}
        self.history: dict[str, Any] = {}

    def put(self, item: Any) -> None:
        with self.mutex:
            heapq.heappush(self.queue, item)
            self.not_empty.notify()

    def get(self, timeout: float | None = None) -> Any:
        with self.not_empty:
            while len(self.queue) == 0:
                self.not_empty.wait(timeout=timeout)
                if timeout is not None and len(self.queue) == 0:
                    return None
            item = heapq.heappop(self.queue)
            i = self.task_counter
            self.currently_running[i] = copy.deepcopy(item)
            self.task_counter += 1
            return (item, i)

    def task_done(self, item_id: int, history_result: Any, status: Any, process_item: Any = None) -> None:
        with self.mutex:
            prompt = self.currently_running.pop(item_id)
            self.history[prompt[1]] = {"prompt": process_item(prompt), "status": status._asdict(), **history_result}

    def wipe_queue(self) -> None:
        with self.mutex:
            self.queue = []

    def delete_queue_item(self, function: Any) -> bool:
        with self.mutex:
            for x in range(len(self.queue)):
                if function(self.queue[x]):
                    if len(self.queue) == 1:
                        self.wipe_queue()
                    else:
                        self.queue.pop(x)
                        heapq.heapify(self.queue)
                    return True
        return False


class ProgressRegistry:
    """comfy_execution/progress.py, shortened."""

    def __init__(self, prompt_id: str) -> None:
        self.prompt_id = prompt_id

    def finish_progress(self, node_id: str) -> None:
        """A node has been executed."""


interrupted = threading.Event()


def work(inputs: dict[str, Any]) -> None:
    until = time.monotonic() + inputs["seconds"]
    while time.monotonic() < until and not interrupted.is_set():
        time.sleep(0.01)


def save(inputs: dict[str, Any]) -> None:
    with (known.base_directory / "output" / "saved.txt").open("a") as file:
        file.write(f"{inputs['name']}\n")


class Node:
    OUTPUT_NODE = False


class Save(Node):
    OUTPUT_NODE = True


class Api(Save):
    API_NODE = True


NODES = {"Work": Node, "Save": Save, "Die": Save, "Api": Api}


async def validate_prompt(_: str, prompt: dict[str, Any], wanted: list[str] | None) -> Any:
    await asyncio.sleep(0.005)  # ComfyUI's validation gives other requests their turn
    for number, node in prompt.items():
        if node["class_type"] not in NODES:
            message = f"Node '{node['class_type']}' not found. The custom node may not be installed."
            return (False, {"type": "missing_node_type", "message": message, "details": f"Node ID '#{number}'"}, [], {})
    outputs = [n for n, node in prompt.items() if NODES[node["class_type"]].OUTPUT_NODE]
    return (True, None, [n for n in outputs if wanted is None or n in wanted], {})


SENSITIVE = ("auth_token_comfy_org", "api_key_comfy_org")
sys.modules["nodes"] = types.SimpleNamespace(NODE_CLASS_MAPPINGS=NODES)  # type: ignore[assignment]
sys.modules["execution"] = types.SimpleNamespace(  # type: ignore[assignment]
    validate_prompt=validate_prompt, SENSITIVE_EXTRA_DATA_KEYS=SENSITIVE
)
sys.modules["comfy_execution"] = types.ModuleType("comfy_execution")
sys.modules["comfy_execution.progress"] = types.SimpleNamespace(ProgressRegistry=ProgressRegistry)  # type: ignore[assignment]
application = web.Application(client_max_size=1 << 30)
server = types.SimpleNamespace(app=application, number=0, sockets=[])
server.prompt_queue = PromptQueue(server)
sys.modules["server"] = types.SimpleNamespace(PromptServer=types.SimpleNamespace(instance=server))  # type: ignore[assignment]
queue = server.prompt_queue


async def post_prompt(request: web.Request) -> web.Response:
    """As server.py of 0.29 answers it."""
    body = await request.json()
    number = body.get("number", server.number)
    if "number" not in body:
        number = -number if body.get("front") else number
        server.number += 1
    prompt_id = body.get("prompt_id") or str(uuid.uuid4())
    valid = await validate_prompt(prompt_id, body["prompt"], body.get("partial_execution_targets"))
    if not valid[0]:
        return web.json_response({"error": valid[1], "node_errors": valid[3]}, status=400)
    extra = body.get("extra_data", {})
    if "client_id" in body:
        extra["client_id"] = body["client_id"]
    sensitive = {key: extra.pop(key) for key in SENSITIVE if key in extra}
    extra["create_time"] = int(time.time() * 1000)
    queue.put((number, prompt_id, body["prompt"], extra, valid[2], sensitive))
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": {}})


async def get_queue(_: web.Request) -> web.Response:
    with queue.mutex:
        running = [item[:5] for item in queue.currently_running.values()]
        return web.json_response({"queue_running": running, "queue_pending": [item[:5] for item in queue.queue]})


async def get_prompt(_: web.Request) -> web.Response:
    with queue.mutex:
        return web.json_response({"exec_info": {"queue_remaining": len(queue.queue) + len(queue.currently_running)}})


async def post_queue(request: web.Request) -> web.Response:
    body = await request.json()
    if body.get("clear"):
        queue.wipe_queue()
    for name in body.get("delete", []):
        queue.delete_queue_item(lambda item: item[1] == name)  # noqa: B023 # called at once
    return web.Response()


async def get_history(_: web.Request) -> web.Response:
    return web.json_response(queue.history)


async def interrupt(_: web.Request) -> web.Response:
    interrupted.set()
    return web.Response()


async def stats(_: web.Request) -> web.Response:
    return web.json_response({"system": {"comfyui_version": "0.0.0-fake"}, "devices": []})


def prompt_worker() -> None:
    while True:
        found = queue.get(timeout=1000.0)
        if found is None:
            continue
        item, item_id = found
        interrupted.clear()
        (known.base_directory / "output/began.txt").open("a").write(f"{item[1]}\n")
        registry = ProgressRegistry(item[1])
        for number, node in item[2].items():
            if NODES[node["class_type"]].OUTPUT_NODE and number not in item[4]:
                continue
            if node["class_type"] == "Die":
                os.kill(os.getpid(), signal.SIGKILL)
            (work if node["class_type"] == "Work" else save)(node["inputs"])
            if interrupted.is_set():
                break
            registry.finish_progress(number)
            if node["inputs"].get("then") == "die":
                time.sleep(0.2)  # for the line about the output, which nobody waits for
                os.kill(os.getpid(), signal.SIGKILL)
        messages: list[Any] = [("execution_interrupted", {})] if interrupted.is_set() else []
        status = ExecutionStatus("error" if messages else "success", not messages, messages)
        queue.task_done(item_id, {"outputs": {}}, status=status, process_item=lambda each: each[:5] + each[6:])


async def main() -> None:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", known.port).start()
    await asyncio.Event().wait()


application.add_routes(
    [
        web.post("/prompt", post_prompt), web.get("/prompt", get_prompt),
        web.get("/queue", get_queue), web.post("/queue", post_queue),
        web.get("/history", get_history), web.post("/interrupt", interrupt), web.get("/system_stats", stats),
    ]
)  # fmt: skip
(known.base_directory / "output").mkdir(exist_ok=True)
for path in known.extra_model_paths_config:
    for node in sorted((path.parent / "nodes").glob("*.py")):
        with contextlib.suppress(ImportError):  # as ComfyUI: a node that needs more of ComfyUI than the stand-in has
            SourceFileLoader(f"custom_nodes.{node.stem}", str(node)).load_module()
threading.Thread(target=prompt_worker, daemon=True).start()
print("fake: with a queue", json.dumps(sys.argv[1:]), flush=True)
with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
print("fake: stopped cleanly by SIGINT", flush=True)
