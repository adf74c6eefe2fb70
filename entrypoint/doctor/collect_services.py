"""A: collects facts about supervisord, its programs, listening ports, the services' health, conditions and logs."""

from __future__ import annotations

import re
import time
from typing import Any

import psutil

from entrypoint.doctor.collect_jupyter import FOREIGN, MARK, Browser
from entrypoint.doctor.evaluate_services import expected_listeners
from entrypoint.system.attach import Pod
from entrypoint.system.condition_store import read_conditions
from entrypoint.system.files import open_regular, read_list, read_table
from entrypoint.system.loopback_http import send
from entrypoint.system.readiness import ask_services
from entrypoint.system.supervisord_rpc import Refused, call

#: Seconds for one response.
_TIMEOUT = 5.0
#: Bytes of a log's end that are searched.
_TAIL = 1 << 20


def supervisor(pod: Pod) -> dict[str, Any]:
    """Collect supervisord's process id and its state, as its socket reports it."""
    facts: dict[str, Any] = {"pid": pod.supervisord, "runtime": pod.paths.runtime}
    if pod.supervisord:
        try:
            state = call(f"{pod.paths.runtime}/supervisor.sock", "supervisor.getState", timeout=_TIMEOUT)
            facts["state"] = state["statename"]
        except PermissionError:
            facts["state"] = "RUNNING"  # only the pod's user may use the socket: assume the best
        except (OSError, Refused) as error:
            facts["problem"] = str(error)
    return facts


def programs(pod: Pod) -> dict[str, Any]:
    """Collect what the restart plugin records: every program, and the restarts of the last ten minutes."""
    now = time.time()
    restarts = read_list(f"{pod.paths.runtime}/restarts.json", "restarts")
    known = [each for each in restarts if isinstance(each, dict)]
    recent = [each for each in known if isinstance(each.get("time"), float) and now - each["time"] < 600]
    return {"now": now, "programs": _programs(pod), "restarts": recent}


def _programs(pod: Pod) -> dict[str, dict[str, Any]]:
    found = read_table(f"{pod.paths.runtime}/programs.json").get("programs")
    return {name: each for name, each in found.items() if isinstance(each, dict)} if isinstance(found, dict) else {}


def ports(pod: Pod) -> dict[str, Any]:
    """Collect the listeners on the services' ports: {port: [[address, pid or 0, name, whether of the pod]]}."""
    family = _family(pod.supervisord)
    wanted = {expected.port for expected in expected_listeners(pod.settings)}
    found: dict[int, list[list[Any]]] = {port: [] for port in wanted}
    for connection in psutil.net_connections("tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr:
            continue
        address, port = connection.laddr[0], connection.laddr[1]
        if port in found:
            pid = connection.pid or 0
            found[port].append([address, pid, _name(pid), pid in family])
    running = [name for name, record in _programs(pod).items() if record.get("state") == "RUNNING"]
    return {"listeners": found, "running": running}


def _family(pid: int) -> set[int]:
    try:
        return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))} if pid else set()
    except psutil.Error:
        return set()


def _name(pid: int) -> str:
    try:
        return psutil.Process(pid).name() if pid else ""
    except psutil.Error:
        return ""


def services(pod: Pod) -> dict[str, Any]:
    """Probe the health address of every enabled service: {name: problem or ""}."""
    return {name: problem or "" for name, problem in ask_services(pod.settings, _TIMEOUT).items()}


def comfyui_by_proxy(pod: Pod) -> dict[str, Any]:
    """Send requests to ComfyUI as the proxy does: without login, with login, and as a click in RunPod's console."""
    port, browser = pod.settings.comfyui_port, Browser(pod)
    host = browser.host.replace(f"-{pod.settings.jupyter_port}.", f"-{port}.")
    click = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    bearer = {"Authorization": f"Bearer {browser.token}"} if browser.token else {}

    def status(path: str, **headers: str) -> int:
        return send("GET", port, path, _TIMEOUT, {"Host": host, "X-Forwarded-Proto": "https", **headers}).status

    return {
        "without_login": status("/system_stats"),
        "with_login": status("/system_stats", **bearer),
        "click": status("/", **bearer, **click),
    }


def conditions(pod: Pod) -> dict[str, Any]:
    """Collect the recorded conditions as [[name, reason, remedy]]."""
    found = read_conditions(pod.paths.runtime)
    return {"conditions": [[each.name, each.reason, each.remedy] for each in found]}


def log(pod: Pod) -> dict[str, Any]:
    """Collect the last line about a blocked request and the last error from JupyterLab's log since its last start."""
    try:
        with open_regular(f"{pod.paths.log}/jupyter.log") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            text = file.read(_TAIL).decode("utf-8", "replace")
    except OSError as error:
        return {"problem": error.strerror or str(error)}
    start = text.rfind("extension was successfully linked")
    lines = [line for line in text[max(start, 0) :].splitlines() if MARK not in line and FOREIGN not in line]
    blocked = [line for line in lines if re.search(r"Blocking (request|Cross Origin)|\b403 (POST|PUT|PATCH)", line)]
    errors = [line for line in lines if line.startswith(("[E ", "[C "))]
    return {"blocked": blocked[-1:], "errors": errors[-1:]}
