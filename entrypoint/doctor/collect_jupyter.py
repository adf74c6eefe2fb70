"""A: collects facts about JupyterLab: the configuration that a start would read, and the server's responses.

A running Jupyter server does not report its settings, so requests like those of a browser behind RunPod's proxy test
the effect of each of the five that the proxy needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

from entrypoint.jupyter.lab_config import config_text
from entrypoint.settings.services import service_named
from entrypoint.system.attach import Pod
from entrypoint.system.files import read_table, read_text
from entrypoint.system.loopback_http import Answer, send
from entrypoint.volumes.write_probe import PREFIX

#: Stands in the address of requests that must be refused, so that JupyterLab's log does not mislead (without a door).
MARK = "podkeeper-doctor"
#: Seconds for one response.
_TIMEOUT = 5.0
#: The origin of a page of another site.
FOREIGN = "https://podkeeper-doctor.example"
#: A Host header as RunPod's proxy rewrites it at times (ComfyUI issue 4865).
_REWRITTEN = "100.64.0.7"


def configuration(pod: Pod) -> dict[str, Any]:
    """Collect the content of podkeeper's file, and the result of all of JupyterLab's configuration files."""
    from entrypoint.jupyter.user_config import user_files

    path = f"{pod.paths.jupyter_config_folder}/jupyter_lab_config.py"
    text = read_text(path) or ""
    started = _started(read_table(f"{pod.paths.runtime}/programs.json"))
    effective, set_by, broken = _effective(pod)
    return {
        "path": path,
        "exists": bool(text),
        "as_written": text == config_text(pod.settings, pod.paths),
        "in_file": _in_file(text),
        "effective": effective,
        "set_by": set_by,
        "broken": broken,
        "newer_by": max(0.0, _changed(path) - started) if started else 0.0,
        "user_files": user_files(f"{pod.paths.data}/.jupyter"),
    }


def _started(programs: Any) -> float:
    """When JupyterLab was started, as programs.json has it; 0: unknown."""
    for key in ("programs", "jupyter", "started"):
        programs = programs.get(key) if isinstance(programs, dict) else None
    return float(programs) if isinstance(programs, int | float) else 0.0


def _in_file(text: str) -> dict[str, str]:
    """Trait -> value, as the lines `c.Class.trait = value  # reason` of podkeeper's file have them."""
    pairs = (line.removeprefix("c.").partition("=") for line in text.splitlines() if line.startswith("c."))
    return {trait.strip(): value.partition("#")[0].strip() for trait, _, value in pairs}


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _effective(pod: Pod) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return (trait -> value as text, trait -> the file that set it last, problems of files that cannot be loaded)."""
    os.environ.pop("PODKEEPER_RUNTIME_PATH", None)  # recording conditions is up to the running JupyterLab
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
    from entrypoint.jupyter.user_config import BROKEN, JsonFile, PythonFile, problems

    loader = PythonFile if path.endswith(".py") else JsonFile
    try:
        config = loader(os.path.basename(path), os.path.dirname(path)).load_config()
    except Exception as error:  # podkeeper's own file, overwritten
        broken.append(f"{path}: {type(error).__name__}: {error}")
        return
    broken += problems[BROKEN].pop(path, [])
    for section, traits in config.items():
        for trait, value in traits.items():
            yield f"{section}.{trait}", repr(value)


class Browser:
    """A browser behind the proxy: sends the pod's public Host and Origin, and the login."""

    def __init__(self, pod: Pod) -> None:
        self.settings, self.port = pod.settings, pod.settings.jupyter_port
        name = pod.settings.pod_id or MARK
        self.host = f"{name}-{self.port}.proxy.runpod.net"
        self.origin = f"https://{self.host}"
        self.token = (read_text(pod.paths.token_file) or "") if pod.settings.jupyter_auth == "token" else ""
        self.cookie = ""

    def headers(self, **others: str) -> dict[str, str]:
        """Return the headers of a request through the proxy; `others` override them."""
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        defaults = {"Host": self.host, "Origin": self.origin, "X-Forwarded-Proto": "https", **cookie}
        return defaults | others

    def send(self, method: str, path: str, body: str = "", **others: str) -> Answer:
        """Send one request as through the proxy."""
        return send(method, self.port, path, _TIMEOUT, self.headers(**others), body)

    def log_in(self) -> str:
        """Get the login cookie as the first page does; return its name. Without a door JupyterLab itself sets it."""
        door = service_named("jupyter").behind_door(self.settings)
        method, path = ("POST", "/podkeeper/login") if door else ("GET", f"/api/me?{MARK}")
        response = self.send(method, path, **self.authorization())
        found = re.search(r"(?mi)^set-cookie: *(([^=;\s]+)=[^;\s]+)", response.head)
        self.cookie = found.group(1) if found else ""
        return found.group(2) if found else ""

    def authorization(self) -> dict[str, str]:
        """Return the header with the token, as a program sends it."""
        return {"Authorization": f"token {self.token}"} if self.token else {}


def server(pod: Pod) -> dict[str, Any]:
    """Collect the HTTP statuses of requests like those of a browser behind the proxy; 0: no response."""
    browser = Browser(pod)
    contents = f"/api/contents?content=0&{MARK}"
    api = browser.send("GET", "/api", Origin=FOREIGN)
    if not api.status:
        return {"error": f"JupyterLab does not answer: {api.problem}"}
    facts: dict[str, Any] = {
        "api": api.status,
        "any_origin": "access-control-allow-origin: *" in api.head.lower(),
        "without_login": browser.send("GET", contents).status,
        "token": browser.send("GET", contents, **browser.authorization()).status,
        "cookie": browser.log_in(),
        "host": browser.host,
    }
    facts["own_page"] = browser.send("GET", contents).status
    origins = [*([browser.origin] if pod.settings.pod_id else []), *pod.settings.allowed_origins]
    facts["rewritten_host"] = {
        origin: browser.send("GET", contents, Host=f"{_REWRITTEN}:{browser.port}", Origin=origin).status
        for origin in origins
    }
    facts["foreign_page"] = browser.send("GET", contents, Origin=FOREIGN).status
    facts |= _upload(browser)
    return facts


def _upload(browser: Browser) -> dict[str, Any]:
    """Upload and delete a file as a page does, and again as a program does, which no XSRF check stops."""
    path = f"/api/contents/{PREFIX}{os.urandom(6).hex()}"  # the volume pass deletes left-over write probes
    body = json.dumps({"type": "file", "format": "text", "content": "write probe"})
    statuses = {}
    for sender, others in (("upload", {}), ("upload_by_token", browser.authorization())):
        response = browser.send("PUT", path, body, **{"Content-Type": "application/json"}, **others)
        statuses[sender] = response.status
        if response.status < 300:
            browser.send("DELETE", path, **browser.authorization())
    return statuses


def terminal(pod: Pod) -> dict[str, Any]:
    """Open a terminal, use it over its WebSocket and close it; and open the WebSocket of the events."""
    browser = Browser(pod)
    browser.log_in()
    facts: dict[str, Any] = {"listing": browser.send("GET", "/api/terminals", **browser.authorization()).status}
    facts["events"] = _websocket_problem(browser, "/api/events/subscribe")
    if facts["listing"] != 200:
        return facts
    created = browser.send("POST", "/api/terminals", "{}", **browser.authorization())
    facts["created"] = created.status
    if created.status >= 300:
        return facts
    name = json.loads(created.body)["name"]
    try:
        facts["socket"] = _websocket_problem(browser, f"/terminals/websocket/{name}", "echo $((41+1))-podkeeper")
    finally:
        browser.send("DELETE", f"/api/terminals/{name}", **browser.authorization())
    return facts


def _websocket_problem(browser: Browser, path: str, command: str = "") -> str:
    """Return why a WebSocket of the pod's own page cannot be opened (and run the shell command `command`), or ""."""
    import websocket  # jupyter-server's own dependency

    headers = {name: text for name, text in browser.headers().items() if name not in ("Host", "Origin")}
    try:
        connection = websocket.create_connection(
            f"ws://127.0.0.1:{browser.port}{path}", _TIMEOUT, host=browser.host, origin=browser.origin, header=headers,
            # A socket of our own: else the request goes, with the login, to the proxy of the environment
            # (websocket-client 1.9 reads `http_no_proxy` only beside `http_proxy_host`).
            socket=socket.create_connection(("127.0.0.1", browser.port), _TIMEOUT),
        )  # fmt: skip
        with contextlib.closing(connection):
            if command:
                connection.send(json.dumps(["stdin", command + "\r"]))
                while "42-podkeeper" not in str(connection.recv()):
                    pass
    except (OSError, websocket.WebSocketException) as error:
        return " ".join(str(error).split())[:120] or type(error).__name__
    return ""
