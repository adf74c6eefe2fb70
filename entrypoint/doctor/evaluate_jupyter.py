"""P: evaluates the facts about JupyterLab: the five settings that RunPod's proxy needs, the login, terminals."""

from __future__ import annotations

from entrypoint.doctor.check import Facts
from entrypoint.doctor.finding import Finding, failed, ok, skipped, warning
from entrypoint.jupyter.lab_config import LOGIN, PROXY, rows
from entrypoint.settings.services import service_named
from entrypoint.system.attach import Pod

#: Each start of the pod writes the configuration file.
_RESTART = "restart the pod, which writes the file again"


def _wanted(pod: Pod, section: str) -> dict[str, str]:
    return {trait: repr(value) for title, trait, value, _ in rows(pod.settings, pod.paths) if title == section}


def configuration(facts: Facts, pod: Pod) -> list[Finding]:
    """Report whether the file is as written, and whether another configuration file overrides it."""
    check, path = "jupyter-config", facts["path"]
    if not facts["exists"]:
        return [failed(check, f"{path} is missing", _RESTART)]
    findings = []
    five = _wanted(pod, PROXY)
    changed = [trait for trait, value in five.items() if facts["in_file"].get(trait) != value]
    if changed:
        text = f"{path} was overwritten: it lacks c.{changed[0]} = {five[changed[0]]}{_more(changed)}"
        own = f"your own settings belong in {pod.paths.data}/.jupyter/jupyter_lab_config.py"
        findings.append(failed(check, text, f"{_RESTART}; {own}"))
    findings += _overridden(facts, {trait: value for trait, value in five.items() if trait not in changed}, pod)
    findings += [
        failed(check, f"cannot load {problem}", "fix or remove that file, then restart JupyterLab")
        for problem in facts["broken"]
    ]
    if not findings and facts["newer_by"] > 1:
        text = f"{path} was changed after JupyterLab started, so it is not in effect yet"
        findings.append(warning(check, text, "podkeeper restart jupyter"))
    if not findings and not facts["as_written"]:
        findings.append(warning(check, f"{path} was changed by hand", "the next start overwrites those changes"))
    return findings or [ok(check, f"{path} has all five settings for the proxy")]


def _overridden(facts: Facts, five: dict[str, str], pod: Pod) -> list[Finding]:
    """Report the settings that a file read later overrides: the proxy's five and, without a door, the login."""
    guard = "ServerApp.identity_provider_class"
    overridden = [
        trait for trait, value in five.items()
        if trait in facts["effective"] and facts["effective"][trait] != value
    ]  # fmt: skip
    login = _wanted(pod, LOGIN)[guard]  # behind the door a file can't change it
    if not service_named("jupyter").behind_door(pod.settings) and facts["effective"].get(guard, login) != login:
        overridden.append(guard)
    findings = []
    for trait in overridden:
        source = facts["set_by"][trait]
        if source == facts["path"]:
            source = " or ".join(facts["user_files"]) or source
        text = f"{source} sets {trait} = {facts['effective'][trait]}"
        why = "pages of other sites could use the login" if trait == guard else "uploads or terminals would fail"
        findings.append(failed("jupyter-config", f"{text}; {why}", "remove that line, then restart JupyterLab"))
    return findings


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def server(facts: Facts, pod: Pod) -> list[Finding]:
    """Report how the running server responds to a browser's requests."""
    if not pod.settings.jupyter_enabled:
        return [skipped("jupyter-proxy", "JupyterLab is switched off")]
    findings = [*_applied(facts), *_login(facts, pod)]
    return findings or [ok("jupyter-proxy", f"accepts pages of https://{facts['host']}, refuses those of other sites")]


#: For a setting that is not in effect: the file is right (an earlier check), so the server started before it.
_NOT_APPLIED = "podkeeper restart jupyter; if that does not help, check the options in your own Jupyter configuration"


def _applied(facts: Facts) -> list[Finding]:
    missing = []
    if facts["api"] == 403:
        missing.append(("allow_remote_access", f"requests for {facts['host']} are refused (403)"))
    if facts["api"] == 200 and not facts["any_origin"]:
        missing.append(("allow_origin", "responses lack Access-Control-Allow-Origin: *"))
    if facts["upload_by_token"] < 300 <= facts["upload"] and facts["own_page"] == 200:
        missing.append(("disable_check_xsrf", f"a page's upload is refused ({facts['upload']})"))
    return [failed("jupyter-proxy", f"ServerApp.{name} is not in effect: {why}", _NOT_APPLIED) for name, why in missing]


def _login(facts: Facts, pod: Pod) -> list[Finding]:
    """Report which requests the login wrongly accepts or refuses."""
    findings = []
    login = pod.settings.jupyter_auth == "token"
    restart = "restart the pod"
    if login and facts["without_login"] == 200:
        text = "JupyterLab accepts requests without the token"
        findings.append(failed("jupyter-login", text, f"{_NOT_APPLIED}; {restart}"))
    if login and facts["foreign_page"] == 200 and facts["without_login"] != 200:
        text = "a page of another site can use the login: the origin guard is not in effect"
        findings.append(failed("jupyter-login", text, _NOT_APPLIED))
    if facts["api"] == 200 and facts["token"] != 200:
        text = f"JupyterLab refuses this pod's token ({facts['token']})"
        reader = "gateway" if service_named("jupyter").behind_door(pod.settings) else "jupyter"
        findings.append(failed("jupyter-login", text, f"podkeeper restart {reader}, which reads the token again"))
    elif facts["api"] == 200 and facts["own_page"] != 200:
        text = f"JupyterLab refuses the login cookie from https://{facts['host']} ({facts['own_page']})"
        findings.append(failed("jupyter-login", text, _NOT_APPLIED))
    elif refused := [origin for origin, status in facts["rewritten_host"].items() if status != 200]:
        text = f"when the proxy rewrites Host, JupyterLab refuses pages of {refused[0]}{_more(refused)}"
        findings.append(failed("jupyter-login", text, f"JUPYTER_ALLOWED_ORIGINS must name it; {restart}"))
    if facts["upload_by_token"] >= 300 and facts["token"] == 200:
        text = f"JupyterLab refuses an upload ({facts['upload_by_token']})"
        findings.append(failed("jupyter-upload", text, f"read the end of {pod.paths.log}/jupyter.log"))
    return findings


def terminal(facts: Facts, pod: Pod) -> list[Finding]:
    """Report whether terminals and WebSockets work."""
    if not pod.settings.jupyter_enabled:
        return [skipped("terminal", "JupyterLab is switched off")]
    log = f"{pod.paths.log}/jupyter.log"
    findings = []
    if facts["events"]:
        text = f"a WebSocket of the pod's own page cannot be opened: {facts['events']}"
        findings.append(failed("websocket", text, f"podkeeper restart jupyter; grep WebSocket {log}"))
    if facts["listing"] == 404:
        text = "JupyterLab has no terminals: the extension jupyter_server_terminals is switched off"
        remedy = "jupyter server extension enable jupyter_server_terminals, then podkeeper restart jupyter"
        findings.append(failed("terminal", text, remedy))
    elif facts["listing"] != 200 or facts.get("created", 200) >= 300:
        text = f"JupyterLab cannot create a terminal ({facts.get('created') or facts['listing']})"
        findings.append(failed("terminal", text, f"grep -i terminal {log}"))
    elif facts.get("socket") and not facts["events"]:
        text = f"a terminal opens but does not respond: {facts['socket']}"
        findings.append(failed("terminal", text, f"check that bash runs; grep -i terminal {log}"))
    return findings or [ok("terminal", "opened, used and closed one over its WebSocket")]


def log(facts: Facts, pod: Pod) -> list[Finding]:
    """Report refused requests and errors in JupyterLab's log since its last start."""
    path = f"{pod.paths.log}/jupyter.log"
    if not pod.settings.jupyter_enabled:
        return [skipped("jupyter-log", "JupyterLab is switched off")]
    if facts.get("problem"):
        return [warning("jupyter-log", f"cannot read {path}: {facts['problem']}", "podkeeper restart jupyter")]
    for line in facts["blocked"]:
        remedy = "open JupyterLab by its address with ?token=; see the jupyter-proxy check"
        return [warning("jupyter-log", f"JupyterLab refused a request: {line[:160]}", remedy)]
    for line in facts["errors"]:
        return [warning("jupyter-log", f"the last error: {line[:160]}", f"read the end of {path}")]
    return [ok("jupyter-log", "no refused request and no error since JupyterLab's start")]
