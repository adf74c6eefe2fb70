"""Fake services for the process tests: `python fakes.py KIND PORT_FILE`. Standard library only.

web      responds with 200; GET /hang never returns, /leak?MIB takes memory, /busy?SECONDS holds the GIL
comfyui  the shape of ComfyUI: one worker thread, /prompt, /queue; POST /prompt with `sleep N`, `spin N`,
         `exit` (SystemExit in the worker), `crash` (between two items), `cuda` (sticky), `cuda-once`
"""

import heapq
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

HELD: list[bytearray] = []


class Worker:
    """ComfyUI 0.29's prompt_worker and PromptQueue, without the images."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.pending: list[tuple[int, str, str]] = []
        self.running: dict[int, tuple[int, str, str]] = {}
        self.number = 0
        self.broken = False
        threading.Thread(target=self.prompt_worker, daemon=True).start()

    def put(self, what: str) -> None:
        with self.changed:
            self.number += 1
            heapq.heappush(self.pending, (self.number, f"id-{self.number}", what))
            self.changed.notify()

    def prompt_worker(self) -> None:
        while True:
            with self.changed:
                while not self.pending:
                    self.changed.wait()
                item = heapq.heappop(self.pending)
                self.running[item[0]] = item
            try:
                self.execute(item[2])
            except Exception as error:
                print(f"!!! Exception during processing !!! {error}", flush=True)
            del self.running[item[0]]
            print("Prompt executed in 0.01 seconds", flush=True)
            if item[2] == "crash":
                raise RuntimeError("cannot register the output")

    def execute(self, what: str) -> None:
        word, _, number = what.partition(" ")
        if self.broken:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if word == "exit":
            sys.exit(1)
        if word.startswith("cuda"):
            self.broken = word == "cuda"
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        end = time.monotonic() + float(number or 0)
        while time.monotonic() < end:
            if word == "sleep":
                time.sleep(max(0.0, end - time.monotonic()))


class Handler(BaseHTTPRequestHandler):
    worker: Worker | None = None

    def do_GET(self) -> None:
        path, _, amount = self.path.partition("?")
        if path == "/hang":
            time.sleep(10000)
        if path == "/leak":
            HELD.append(bytearray(int(amount) << 20))
        if path == "/busy":
            end = time.monotonic() + float(amount)
            while time.monotonic() < end:
                pass
        body: object = {"ok": True}
        if self.worker and path == "/prompt":
            remaining = len(self.worker.running) + len(self.worker.pending)
            body = {"exec_info": {"queue_remaining": remaining}}
        if self.worker and path == "/queue":
            running = list(self.worker.running.values())
            body = {"queue_running": running, "queue_pending": self.worker.pending}
        self.respond(body)

    def do_POST(self) -> None:
        assert self.worker is not None
        self.worker.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.respond({"ok": True})

    def respond(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


def main(kind: str, port_file: str) -> None:
    """Serve on the port in the file, or on a free one that is written there: a restart keeps its port."""
    try:
        with open(port_file, encoding="ascii") as file:
            port = int(file.read())
    except FileNotFoundError:
        port = 0
    HTTPServer.allow_reuse_address = True
    server = HTTPServer(("127.0.0.1", port), Handler)
    if kind == "comfyui":
        Handler.worker = Worker()
    with open(port_file + ".new", "w", encoding="ascii") as file:
        file.write(str(server.server_address[1]))
    os.replace(port_file + ".new", port_file)
    server.serve_forever()


main(*sys.argv[1:])
