"""A: looks at JupyterLab: its configuration as a start would read it, and the server as a browser behind the proxy.

A running Jupyter server tells nobody its settings; each of the five that RunPod's proxy needs is therefore asked
for by what it does.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from entrypoint.jupyter.lab_config import config_text
from entrypoint.jupyter.user_config import user_files
from entrypoint.system.attach import Pod
from entrypoint.system.files import read_json, read_text
from entrypoint.system.loopback_http import Answer, send
from entrypoint.system.privileges import become_service_user
from entrypoint.volumes.write_probe import PREFIX

#: Requests that are refused on purpose say who asked, so that the log does not mislead.
MARK = "podkeeper-doctor"
#: Seconds for one answer.
_TIMEOUT = 5.0
#: What a page anywhere else would be.
FOREIGN = "https://podkeeper-doctor.example"
#: A Host as the proxy has been seen to rewrite it (ComfyUI issue 4865).
_REWRITTEN = "100.64.0.7"


def configuration(pod: Pod) -> dict[str, Any]:
    """What is in the file, and what all of JupyterLab's configuration files come to."""
    become_service_user(pod.settings)  # the user's files are code, and not for root to run
    path = f"{pod.paths.jupyter_config_folder}/jupyter_lab_config.py"
    text = read_text(path) or ""
    programs = read_json(f"{pod.paths.runtime}/programs.json") or {}
    started = programs.get("programs", {}).get("jupyter", {}).get("started") or 0.0
    effective, set_by, broken = _effective(pod)
    return {
        "path": path,
        "there": bool(text),
        "as_written": text == config_text(pod.settings, pod.paths),
        "in_file": dict(re.findall(r"(?m)^c\.(\w+\.\w+) *= *(.*?)(?: *#.*)?$", text)),
        "effective": effective,
        "set_by": set_by,
        "broken": broken,
        "later_by": max(0.0, _changed(path) - started) if started else 0.0,
        "user_files": user_files(f"{pod.paths.data}/.jupyter"),
    }


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _effective(pod: Pod) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """(trait -> value as text, trait -> the file that set it last, files that can't be read)."""
    os.environ.pop("PODKEEPER_RUNTIME_PATH", None)  # a condition is the running JupyterLab's to raise
    os.environ["HOME"] = pod.paths.home
    os.environ["JUPYTER_CONFIG_DIR"] = pod.paths.jupyter_config_folder
    from jupyter_core.paths import jupyter_config_path

    values: dict[str, str] = {}
    set_by: dict[str, str] = {}
    broken: list[str] = []
    # As jupyter_core.application.JupyterApp and jupyter_server.extension do: for each name, the nearest folder last.
    for name in ("jupyter_config", "jupyter_server_config", "jupyter_lab_config"):
        for folder in reversed(jupyter_config_path()):
            for path in (f"{folder}/{name}.py", f"{folder}/{name}.json"):
                if os.path.isfile(path):
                    for trait, value in _traits(path, broken):
                        values[trait], set_by[trait] = value, path
    return values, set_by, broken


def _traits(path: str, broken: list[str]) -> Iterator[tuple[str, str]]:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    loader = PyFileConfigLoader if path.endswith(".py") else JSONFileConfigLoader
    try:
        config = loader(os.path.basename(path), os.path.dirname(path)).load_config()
    except Exception as error:  # whatever a configuration file can raise
        broken.append(f"{path}: {type(error).__name__}: {error}")
        return
    for section, traits in config.items():
        for trait, value in traits.items():
            yield f"{section}.{trait}", repr(value)


class Browser:
    """What a browser sends through the proxy: the pod's public Host and Origin, and the login."""

    def __init__(self, pod: Pod) -> None:
        self.port = pod.settings.jupyter_port
        name = pod.settings.pod_id or MARK
        self.host = f"{name}-{self.port}.proxy.runpod.net"
        self.origin = f"https://{self.host}"
        self.token = (read_text(pod.paths.token_file) or "") if pod.settings.jupyter_auth == "token" else ""
        self.cookie = ""

    def headers(self, **others: str) -> dict[str, str]:
        """Of a request through the proxy; `others` win."""
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        ours = {"Host": self.host, "Origin": self.origin, "X-Forwarded-Proto": "https", **cookie}
        return ours | others

    def send(self, method: str, path: str, body: str = "", **others: str) -> Answer:
        """One request through the proxy."""
        return send(method, self.port, path, _TIMEOUT, self.headers(**others), body)

    def log_in(self) -> str:
        """Get the login cookie as the first page does; returns its name."""
        answer = self.send("GET", f"/api/me?{MARK}", **self.authorization())
        found = re.search(r"(?mi)^set-cookie: *(([^=;\s]+)=[^;\s]+)", answer.head)
        self.cookie = found.group(1) if found else ""
        return found.group(2) if found else ""

    def authorization(self) -> dict[str, str]:
        """The token in a header, as a program sends it."""
        return {"Authorization": f"token {self.token}"} if self.token else {}


def server(pod: Pod) -> dict[str, Any]:
    """What the running server does with requests like those of a browser behind the proxy. 0: no answer."""
    browser = Browser(pod)
    contents = f"/api/contents?content=0&{MARK}"
    api = browser.send("GET", "/api", Origin=FOREIGN)
    if not api.status:
        return {"error": f"JupyterLab does not answer: {api.problem}"}
    seen: dict[str, Any] = {
        "api": api.status,
        "any_origin": "access-control-allow-origin: *" in api.head.lower(),
        "without_login": browser.send("GET", contents).status,
        "token": browser.send("GET", contents, **browser.authorization()).status,
        "cookie": browser.log_in(),
        "host": browser.host,
    }
    seen["own_page"] = browser.send("GET", contents).status
    origins = [*([browser.origin] if pod.settings.pod_id else []), *pod.settings.allowed_origins]
    seen["rewritten_host"] = {
        origin: browser.send("GET", contents, Host=f"{_REWRITTEN}:{browser.port}", Origin=origin).status
        for origin in origins
    }
    seen["foreign_page"] = browser.send("GET", contents, Origin=FOREIGN).status
    seen |= _upload(browser)
    return seen


def _upload(browser: Browser) -> dict[str, Any]:
    """A file is uploaded and deleted by a page, and again by a program, which no XSRF check stops."""
    path = f"/api/contents/{PREFIX}{os.urandom(6).hex()}"  # a write probe's name: a file left behind is swept
    body = json.dumps({"type": "file", "format": "text", "content": "write probe"})
    statuses = {}
    for who, others in (("upload", {}), ("upload_by_token", browser.authorization())):
        answer = browser.send("PUT", path, body, **{"Content-Type": "application/json"}, **others)
        statuses[who] = answer.status
        if answer.status < 300:
            browser.send("DELETE", path, **browser.authorization())
    return statuses


def terminal(pod: Pod) -> dict[str, Any]:
    """A terminal is opened, used over its WebSocket and closed; and the events' WebSocket is opened."""
    browser = Browser(pod)
    browser.log_in()
    seen: dict[str, Any] = {"listing": browser.send("GET", "/api/terminals", **browser.authorization()).status}
    seen["events"] = _websocket_problem(browser, "/api/events/subscribe")
    if seen["listing"] != 200:
        return seen
    made = browser.send("POST", "/api/terminals", "{}", **browser.authorization())
    seen["made"] = made.status
    if made.status >= 300:
        return seen
    name = json.loads(made.body)["name"]
    try:
        seen["socket"] = _websocket_problem(browser, f"/terminals/websocket/{name}", say="echo $((41+1))-podkeeper")
    finally:
        browser.send("DELETE", f"/api/terminals/{name}", **browser.authorization())
    return seen


def _websocket_problem(browser: Browser, path: str, say: str = "") -> str:
    """Why a WebSocket of the pod's own page can't be opened (and used: `say` is a command), or ""."""
    import websocket  # jupyter-server's own dependency

    headers = {name: text for name, text in browser.headers().items() if name not in ("Host", "Origin")}
    try:
        connection = websocket.create_connection(
            f"ws://127.0.0.1:{browser.port}{path}", _TIMEOUT, host=browser.host, origin=browser.origin, header=headers,
        )  # fmt: skip
        with contextlib.closing(connection):
            if say:
                connection.send(json.dumps(["stdin", say + "\r"]))
                while "42-podkeeper" not in str(connection.recv()):
                    pass
    except (OSError, websocket.WebSocketException) as error:
        return " ".join(str(error).split())[:120] or type(error).__name__
    return ""
