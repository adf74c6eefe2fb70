"""What a user changes in JupyterLab and its terminals, made through JupyterLab's own interfaces."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

THEMES = "/lab/api/settings/@jupyterlab/apputils-extension:themes"
WORKSPACE = "/lab/api/workspaces/mine"


def request(port: int, token: str, method: str, path: str, body: object = None) -> Any:
    """JupyterLab's JSON response, or None for an empty one."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, headers={"Authorization": f"token {token}"},
        data=None if body is None else json.dumps(body).encode(),
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def choose_dark_theme(port: int, token: str) -> None:
    request(port, token, "PUT", THEMES, {"raw": '{"theme": "JupyterLab Dark"}'})
    request(port, token, "PUT", WORKSPACE, {"data": {"kept": 1}, "metadata": {"id": "mine"}})


def theme_and_workspace(port: int, token: str) -> tuple[str, Any]:
    theme = request(port, token, "GET", THEMES)["settings"].get("theme", "none chosen")
    return theme, request(port, token, "GET", WORKSPACE)["data"]


def type_into_terminal(port: int, token: str, command: str) -> str:
    """Run `command` in a new terminal; returns what the terminal shows until the word `done-42`."""
    name = request(port, token, "POST", "/api/terminals", {})["name"]

    async def talk() -> str:
        address = f"ws://127.0.0.1:{port}/terminals/websocket/{name}"
        socket = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {token}"}))
        await socket.write_message(json.dumps(["stdin", f"{command}; echo done-$((40+2))\r"]))
        shown = ""
        while "done-42" not in shown:
            message = await socket.read_message()
            assert message is not None, shown
            kind, *rest = json.loads(message)
            shown += rest[0] if kind == "stdout" else ""
        await socket.write_message(json.dumps(["stdin", "\r"]))
        while "$ " not in shown.rpartition("done-42")[2] and "# " not in shown.rpartition("done-42")[2]:
            shown += str(json.loads(await socket.read_message() or '["", ""]')[-1])
        return shown

    return str(IOLoop().run_sync(talk, timeout=30))
