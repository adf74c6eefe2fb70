"""A: follows a prompt over ComfyUI's WebSocket, until it ends or ComfyUI is gone.

The WebSocket brings progress and wakes at once at the end; what counts is the history, which is asked whenever nothing
has come for a while: a message can be lost with its connection.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrypoint.jobs.client import Client

#: Seconds without a message after which the history is asked.
QUIET_S = 2.0
_ENDS = ("execution_success", "execution_error", "execution_interrupted")


@dataclass(slots=True)
class Progress:
    """How far a prompt is: nodes that have run, all nodes, and the running one with its own steps."""

    total: int
    done: set[str] = field(default_factory=set)
    node: str = ""
    step: int = 0
    steps: int = 0
    started: bool = False

    @property
    def share(self) -> float:
        """0 to 1."""
        part = self.step / self.steps if self.steps else 0.0
        return min((len(self.done) + part) / self.total, 1.0) if self.total else 0.0

    def take(self, kind: str, data: Mapping[str, Any]) -> None:
        """A message of this prompt's (server.py and execution.py of ComfyUI: send_sync)."""
        if kind == "execution_start":
            self.started = True
        elif kind == "execution_cached":
            nodes = data.get("nodes")
            self.done.update(map(str, nodes) if isinstance(nodes, list) else ())
        elif kind == "executing" and data.get("node") is not None:
            self.started = True
            if self.node and self.node != str(data["node"]):
                self.done.add(self.node)
            self.node, self.step, self.steps = str(data["node"]), 0, 0
        elif kind == "progress":
            value, most = data.get("value"), data.get("max")
            if isinstance(value, int) and isinstance(most, int):
                self.step, self.steps = value, most


class Watch:
    """A connection to ComfyUI's WebSocket. Opened before the prompt is queued, so that no message of it is missed."""

    def __init__(self, client: Client, client_id: str) -> None:
        self._client, self._client_id = client, client_id
        self._socket: Any = None
        #: Whether a connection was lost: ComfyUI may have ended and be another one now.
        self.lost = False

    def __enter__(self) -> Watch:
        self._connect()
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def until_end(
        self, prompt_id: str, progress: Progress, tell: Callable[[Progress], None], stopped: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """The prompt's history entry; None: ComfyUI does not have the prompt any more, or `stopped` says so.

        Raises:
            Unreachable: ComfyUI does not respond.
        """
        while not stopped():
            message = self._receive()
            if message is None:
                if entry := self._client.history(prompt_id):
                    return entry
                if not self._client.queued(prompt_id):
                    return self._client.history(prompt_id)  # it ended between the two questions
                if self._socket is None:
                    self._connect()
                continue
            kind, data = message
            if data.get("prompt_id") != prompt_id:
                continue
            progress.take(kind, data)
            tell(progress)
            if kind in _ENDS and (entry := self._ended(prompt_id)):
                return entry
        return None

    def _ended(self, prompt_id: str) -> dict[str, Any] | None:
        """The entry comes a moment after the message (execution.PromptExecutor, then main.prompt_worker)."""
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until:
            if entry := self._client.history(prompt_id):
                return entry
            time.sleep(0.01)
        return None

    def _receive(self) -> tuple[str, Mapping[str, Any]] | None:
        """The next message of text; None: nothing came for a while, or the connection is gone."""
        import websocket  # websocket-client; only a job needs it

        if self._socket is None:
            time.sleep(QUIET_S / 4)
            return None
        try:
            text = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError):
            self._close()
            return None
        if not isinstance(text, str):  # a preview picture
            return "", {}
        try:
            found = json.loads(text)
        except ValueError:
            return "", {}
        data = found.get("data") if isinstance(found, dict) else None
        return (str(found.get("type")), data) if isinstance(data, dict) else ("", {})

    def _connect(self) -> None:
        import websocket

        with contextlib.suppress(websocket.WebSocketException, OSError):
            self._socket = websocket.create_connection(self._client.watched(self._client_id), timeout=QUIET_S)

    def _close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            self.lost = True
            with contextlib.suppress(Exception):
                socket.close(timeout=0)
