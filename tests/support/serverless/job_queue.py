"""Stands in for RunPod's queue of serverless jobs, as its SDK 1.12 asks it (rp_job.py and rp_http.py of the SDK).

A job that was taken and has no result after `again_s` is given again, as RunPod does where a worker is gone.
`faults`: what happens to a share of the requests: an HTTP status, or `drop`.
"""

from __future__ import annotations

import http.server
import json
import random
import threading
import time
from typing import Any
from urllib.parse import urlsplit

KEY = "key-of-the-endpoint"


class JobQueue:
    """The queue, and what was posted for each job."""

    def __init__(self, faults: tuple[int | str, ...] = (), share: float = 0.2, again_s: float = 6.0) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.taken: dict[str, tuple[float, dict[str, Any]]] = {}
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.progress: dict[str, list[Any]] = {}
        self.unauthorized = 0
        self._faults, self._share, self._again_s = faults, share, again_s
        self._random, self._lock = random.Random(7), threading.Lock()
        owner = self

        class Handler(_Handler):
            queue = owner

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environ(self) -> dict[str, str]:
        """What RunPod sets in a worker."""
        base = f"http://127.0.0.1:{self.server.server_port}/v2/endpoint"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=x",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=x",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID",
            "RUNPOD_AI_API_KEY": KEY,
            "RUNPOD_ENDPOINT_ID": "endpoint",
            "RUNPOD_POD_ID": "worker1",
        }

    def add(self, job_id: str, given: Any) -> None:
        """Queue a job."""
        with self._lock:
            self.waiting.append({"id": job_id, "input": given})

    def fault(self) -> int | str | None:
        """What goes wrong with this request; None: nothing."""
        with self._lock:
            return self._random.choice(self._faults) if self._faults and self._random.random() < self._share else None

    def take(self) -> dict[str, Any] | None:
        """The next job."""
        with self._lock:
            now = time.monotonic()
            for job_id, (when, job) in list(self.taken.items()):
                if job_id not in self.results and now - when > self._again_s:
                    self.waiting.append(job)
                    del self.taken[job_id]
            if not self.waiting:
                return None
            job = self.waiting.pop(0)
            self.taken[job["id"]] = (now, job)
            return job

    def keep(self, job_id: str, body: dict[str, Any]) -> None:
        """A result, or the progress of a job."""
        with self._lock:
            if body.get("status") == "IN_PROGRESS":
                self.progress.setdefault(job_id, []).append(body["output"])
                if job_id in self.taken:
                    self.taken[job_id] = (time.monotonic(), self.taken[job_id][1])
            else:
                self.results.setdefault(job_id, []).append(body)


class _Handler(http.server.BaseHTTPRequestHandler):
    queue: JobQueue
    wbufsize = -1

    def do_GET(self) -> None:
        if self._refused():
            return
        what = urlsplit(self.path).path.split("/")[3]
        job = self.queue.take() if what == "job-take" else None
        if what == "job-stop":
            time.sleep(1)  # the real one holds the request open
        if job is None:
            self._respond(200 if what == "ping" else 204)
        else:
            self._respond(200, job)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._refused():
            self.queue.keep(urlsplit(self.path).path.split("/")[5], body)
            self._respond(200, {})

    def _refused(self) -> bool:
        if self.headers.get("Authorization") != KEY:
            self.queue.unauthorized += 1
            self._respond(401)
            return True
        fault = self.queue.fault()
        if fault == "drop":
            self.close_connection = True
        elif isinstance(fault, int):
            self._respond(fault)
        return fault is not None

    def _respond(self, status: int, content: Any = None) -> None:
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()  # with the head in one packet: two wait 40 ms for each other (Nagle, delayed ACK)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""
