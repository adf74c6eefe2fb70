"""A stand-in for RunPod's API: one pod, by REST and by GraphQL, with faults to order.

The shapes are those of https://docs.runpod.io/api-reference/pods/GET/pods/podId and of runpod-python's mutations. A
stop is taken at once and has its effect later: `on_stop` is what RunPod does to the container then.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

POD, KEY = "abc123xyz", "rpa_cAn4ry-of-the-pods-own-key-0123456789"


@dataclass
class Fault:
    """A response in place of the real one. `status` 0: the connection is closed without one."""

    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class RunPod:
    """The state. `faults` are used up one a request; `refuse`: which of `rest` and `graphql` refuses the key."""

    pod_id: str = POD
    status: str = "RUNNING"
    price: str = "0.74"
    spot: bool = False
    age: float = 3600.0
    clock: float = 0.0  # seconds by which RunPod's clock is ahead of this machine's
    deaf: bool = False  # a stop is taken and has no effect
    refuse: tuple[str, ...] = ()
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    on_stop: Callable[[], None] = lambda: None
    url: str = ""

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.clock, UTC)

    def pod(self) -> dict[str, Any]:
        started = datetime.fromtimestamp(time.time() + self.clock - self.age, UTC)
        return {
            "id": self.pod_id, "adjustedCostPerHr": float(self.price), "costPerHr": self.price,
            "desiredStatus": self.status, "interruptible": self.spot,
            "lastStartedAt": started.isoformat(timespec="milliseconds"),
            "env": {"RUNPOD_POD_ID": POD}, "image": "podkeeper", "gpu": {"count": 1}, "publicIp": None,
        }  # fmt: skip

    def answer(self, method: str, path: str, key: str, body: Any) -> tuple[int, Any]:
        """The response to a request; 204 has no body."""
        self.keys.add(key)
        if path == "/v1/graphql":
            return self._graphql(key, body or {})
        if key != f"Bearer {KEY}" or "rest" in self.refuse:
            return 401, {"error": "unauthorized"}
        if (method, path) == ("GET", f"/v1/pods/{self.pod_id}"):
            return 200, self.pod()
        if (method, path) == ("POST", f"/v1/pods/{self.pod_id}/stop"):
            self._end("EXITED")
            return 200, self.pod()
        if (method, path) == ("DELETE", f"/v1/pods/{self.pod_id}"):
            self._end("TERMINATED")
            return 204, None
        return 404, {"error": "pod not found"}

    def _graphql(self, key: str, body: dict[str, Any]) -> tuple[int, Any]:
        if key != f"Bearer {KEY}" or "graphql" in self.refuse:
            return 200, {"errors": [{"message": "Something went wrong. Please try again later or contact support."}]}
        query = str(body.get("query"))
        assert body.get("variables") == {"id": self.pod_id}
        if "podStop(" in query:
            self._end("EXITED")
            return 200, {"data": {"podStop": {"id": self.pod_id, "desiredStatus": self.status}}}
        if "podTerminate(" in query:
            self._end("TERMINATED")
            return 200, {"data": {"podTerminate": None}}
        pod = {"id": self.pod_id, "costPerHr": float(self.price), "desiredStatus": self.status,
               "podType": "INTERRUPTABLE" if self.spot else "RESERVED",
               "runtime": {"uptimeInSeconds": int(self.age)}}  # fmt: skip
        return 200, {"data": {"pod": pod}}

    def _end(self, status: str) -> None:
        if not self.deaf:
            self.status = status
            threading.Thread(target=self.on_stop, daemon=True).start()


@contextlib.contextmanager
def runpod_api(**state: Any) -> Iterator[RunPod]:
    """Serve it; `url` is what RUNPOD_REST_URL takes."""
    runpod = RunPod(**state)

    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            runpod.asked.append(f"{self.command} {self.path}")
            fault = runpod.faults.pop(0) if runpod.faults else None
            if fault:
                time.sleep(fault.delay)
            if fault and not fault.status:
                return
            given = (fault.status, fault.body) if fault else runpod.answer(
                self.command, self.path, self.headers.get("Authorization", ""), body)  # fmt: skip
            with contextlib.suppress(OSError):  # it may have given up on us
                self._send(*given, fault.headers if fault else {})

        do_GET = do_POST = do_DELETE = _do  # noqa: N815

        def _send(self, code: int, content: Any, headers: dict[str, str]) -> None:
            text = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response_only(code)
            self.send_header("Date", format_datetime(runpod.now(), usegmt=True))
            for name, value in headers.items():
                self.send_header(name, value)
            if code != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if code != 204:
                self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        runpod.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield runpod
        finally:
            server.shutdown()
            thread.join()
