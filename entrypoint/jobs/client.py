"""A: ComfyUI's HTTP interface, as far as a job needs it.

http.client, not `system.loopback_http`: `/object_info` and a history entry have no limit of 4 MB, and a job's process
is none that waits in every pod.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any

from entrypoint.jobs.failure import Failure, JobFailed

_TIMEOUT_S = 30.0
#: Bytes of a response at most: `/object_info` has 3 MB with ComfyUI's own nodes, 20 with many of others.
_MOST = 512 << 20
#: Classes that are asked for one by one, at 0.6 ms each; all 818 of ComfyUI 0.29 take 150 ms of its event loop.
_MOST_CLASSES = 100


class Unreachable(Exception):
    """ComfyUI does not respond; the message says how."""


class Client:
    """ComfyUI at its own port, behind the door."""

    def __init__(self, port: int) -> None:
        self.port = port

    def classes(self, names: Collection[str]) -> dict[str, Any]:
        """What `/object_info` says of these classes, without those that ComfyUI lacks. Raises Unreachable."""
        found: dict[str, Any] = {}
        if len(names) > _MOST_CLASSES:
            everything = self._json("GET", "/object_info")[1]
            return everything if isinstance(everything, dict) else {}
        for name in names:
            path = urllib.parse.quote(name, safe="", errors="surrogatepass")
            status, described = self._json("GET", f"/object_info/{path}")
            # 500: the class cannot describe itself, and /object_info leaves it out
            found |= described if status == 200 and isinstance(described, dict) else {}
        return found

    def submit(self, body: Mapping[str, Any]) -> None:
        """Queue a prompt. Raises JobFailed with ComfyUI's own words; Unreachable."""
        status, found = self._json("POST", "/prompt", body)
        found = found if isinstance(found, dict) else {}
        details = _node_errors(found.get("node_errors"))
        if status == 200 and not details:
            return
        if status >= 500:
            raise Unreachable(f"POST /prompt: HTTP {status}")
        error = found.get("error")
        words = _words(error) if isinstance(error, dict) else f"HTTP {status}"
        raise JobFailed(Failure("BadValue", f"ComfyUI refuses the workflow: {(details or [words])[0]}",
            "correct the workflow", tuple(details)))  # fmt: skip

    def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The entry of a prompt that has ended. Raises Unreachable."""
        found = self._json("GET", f"/history/{prompt_id}")[1]
        entry = found.get(prompt_id) if isinstance(found, dict) else None
        return entry if isinstance(entry, dict) else None

    def queued(self, prompt_id: str) -> str:
        """`running`, `pending` or "". Raises Unreachable."""
        found = self._json("GET", "/queue")[1]
        for name in ("running", "pending"):
            items = found.get(f"queue_{name}") if isinstance(found, dict) else None
            if any(isinstance(each, list) and each[1:2] == [prompt_id] for each in items or ()):
                return name
        return ""

    def cancel(self, prompt_id: str) -> None:
        """Take a prompt from the queue, or interrupt it. Raises Unreachable."""
        self._json("POST", "/queue", {"delete": [prompt_id]})
        self._json("POST", "/interrupt", {"prompt_id": prompt_id})

    def watched(self, client_id: str) -> str:
        """The address of the WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws?clientId={urllib.parse.quote(client_id)}"

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read(_MOST)
            said = response.status == 200 or response.headers.get_content_type() == "application/json"
            return response.status, json.loads(content) if said and content.strip() else None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from None
        except (ValueError, RecursionError):
            raise Unreachable(f"{path}: its response is no JSON") from None
        finally:
            connection.close()


def _node_errors(found: Any) -> list[str]:
    """A line for each error of `node_errors` (execution.validate_prompt)."""
    lines = []
    for key, node in found.items() if isinstance(found, dict) else ():
        errors = node.get("errors") if isinstance(node, dict) else None
        for each in errors if isinstance(errors, list) else ():
            if isinstance(each, dict):
                lines.append(f"node {key} ({node.get('class_type')}): {_words(each)}")
    return lines[:50]


def _words(error: Mapping[str, Any]) -> str:
    text = ": ".join(str(error.get(key)) for key in ("message", "details") if error.get(key))
    return " ".join(text.split())[:500]
