"""P: what was seen of JupyterLab, as verdicts: the five settings that RunPod's proxy needs, the login, terminals."""

from __future__ import annotations

from entrypoint.doctor.check import Seen
from entrypoint.doctor.finding import Verdict, failed, ok, skipped, warning
from entrypoint.jupyter.lab_config import LOGIN, PROXY, rows
from entrypoint.system.attach import Pod

#: What runs again with a configuration written anew: the file is written at a pod's start.
_RESTART = "restart the pod, which writes it anew"


def _wanted(pod: Pod, section: str) -> dict[str, str]:
    return {trait: repr(value) for title, trait, value, _ in rows(pod.settings, pod.paths) if title == section}


def configuration(seen: Seen, pod: Pod) -> list[Verdict]:
    """The file, and what JupyterLab's other configuration files make of it."""
    check, path = "jupyter-config", seen["path"]
    if not seen["there"]:
        return [failed(check, f"{path} is missing", _RESTART)]
    verdicts = []
    five = _wanted(pod, PROXY)
    changed = [trait for trait, value in five.items() if seen["in_file"].get(trait) != value]
    if changed:
        text = f"{path} was overwritten: it does not say {_said(changed[0], five)}{_more(changed)}"
        own = f"your own settings belong into {pod.paths.data}/.jupyter/jupyter_lab_config.py"
        verdicts.append(failed(check, text, f"{_RESTART}; {own}"))
    verdicts += _overridden(seen, {trait: value for trait, value in five.items() if trait not in changed})
    verdicts += [
        failed(check, f"can't be read: {problem}", "mend or remove that file, then restart JupyterLab")
        for problem in seen["broken"]
    ]
    if not verdicts and seen["later_by"] > 1:
        text = f"{path} was changed after JupyterLab started, so it does not hold yet"
        verdicts.append(warning(check, text, "podkeeper restart jupyter"))
    if not verdicts and not seen["as_written"]:
        verdicts.append(warning(check, f"{path} was changed by hand", "changes there are lost at the next start"))
    return verdicts or [ok(check, f"all five settings for the proxy are in {path}")]


def _overridden(seen: Seen, five: dict[str, str]) -> list[Verdict]:
    """Something read later wins over our file; the guard belongs to what must not be lost."""
    guard = "ServerApp.identity_provider_class"
    lost = [
        trait for trait, value in five.items()
        if trait in seen["effective"] and seen["effective"][trait] != value
    ]  # fmt: skip
    if "OriginBoundIdentityProvider" not in seen["effective"].get(guard, "OriginBoundIdentityProvider"):
        lost.append(guard)
    verdicts = []
    for trait in lost:
        source = seen["set_by"][trait]
        if source == seen["path"]:
            source = " or ".join(seen["user_files"]) or source
        text = f"{source} sets {trait} = {seen['effective'][trait]}"
        why = "other people's pages could use the login" if trait == guard else "uploads and terminals need ours"
        verdicts.append(failed("jupyter-config", f"{text}; {why}", "take that line out, then restart JupyterLab"))
    return verdicts


def _said(trait: str, wanted: dict[str, str]) -> str:
    return f"c.{trait} = {wanted[trait]}"


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def server(seen: Seen, pod: Pod) -> list[Verdict]:
    """What the running server really does with a browser's requests."""
    if not pod.settings.jupyter_enabled:
        return [skipped("jupyter-proxy", "JupyterLab is switched off")]
    verdicts = [*_applied(seen), *_login(seen, pod)]
    return verdicts or [ok("jupyter-proxy", f"a page at https://{seen['host']} gets in, one elsewhere does not")]


#: Where a setting of ours does not hold: the file was right (an earlier check), so the server is older.
_NOT_APPLIED = "podkeeper restart jupyter; if it stays so, look for an option in your own Jupyter configuration"


def _applied(seen: Seen) -> list[Verdict]:
    missing = []
    if seen["api"] == 403:
        missing.append(("allow_remote_access", f"requests for {seen['host']} are refused (403)"))
    if seen["api"] == 200 and not seen["any_origin"]:
        missing.append(("allow_origin", "answers do not carry Access-Control-Allow-Origin: *"))
    if seen["api"] == 200 and seen["cookie"] and not seen["cookie"].startswith("__Host-"):
        missing.append(("trust_xheaders", "the login cookie is not bound to https"))
    if seen["upload_by_token"] < 300 <= seen["upload"] and seen["own_page"] == 200:
        missing.append(("disable_check_xsrf", f"a page's upload is refused ({seen['upload']})"))
    return [failed("jupyter-proxy", f"ServerApp.{name} does not hold: {why}", _NOT_APPLIED) for name, why in missing]


def _login(seen: Seen, pod: Pod) -> list[Verdict]:
    """Who gets in."""
    verdicts = []
    login = pod.settings.jupyter_auth == "token"
    restart = "restart the pod"
    if login and seen["without_login"] == 200:
        verdicts.append(failed("jupyter-login", "everybody gets in without the token", f"{_NOT_APPLIED}; {restart}"))
    if login and seen["foreign_page"] == 200 and seen["without_login"] != 200:
        text = "a page on another site can use the login: the origin guard does not hold"
        verdicts.append(failed("jupyter-login", text, _NOT_APPLIED))
    if seen["api"] == 200 and seen["token"] != 200:
        text = f"the token of this pod is refused ({seen['token']})"
        verdicts.append(failed("jupyter-login", text, "podkeeper restart jupyter; the token is read at its start"))
    elif seen["api"] == 200 and seen["own_page"] != 200:
        text = f"the login's cookie is not accepted from https://{seen['host']} ({seen['own_page']})"
        verdicts.append(failed("jupyter-login", text, _NOT_APPLIED))
    elif refused := [origin for origin, status in seen["rewritten_host"].items() if status != 200]:
        text = f"a page at {refused[0]} does not get in when the proxy rewrites Host{_more(refused)}"
        trait = next(iter(trait for trait in _wanted(pod, LOGIN) if trait.endswith("own_origins")))
        verdicts.append(failed("jupyter-login", text, f"{trait} must name it; {_NOT_APPLIED}"))
    if seen["upload_by_token"] >= 300 and seen["token"] == 200:
        text = f"an upload is refused ({seen['upload_by_token']})"
        verdicts.append(failed("jupyter-upload", text, f"read the end of {pod.paths.log}/jupyter.log"))
    return verdicts


def terminal(seen: Seen, pod: Pod) -> list[Verdict]:
    """Terminals, and WebSockets at all."""
    if not pod.settings.jupyter_enabled:
        return [skipped("terminal", "JupyterLab is switched off")]
    log = f"{pod.paths.log}/jupyter.log"
    verdicts = []
    if seen["events"]:
        text = f"a WebSocket of the pod's own page does not open: {seen['events']}"
        verdicts.append(failed("websocket", text, f"podkeeper restart jupyter; grep WebSocket {log}"))
    if seen["listing"] == 404:
        text = "JupyterLab runs without terminals: the extension jupyter_server_terminals is switched off"
        remedy = "jupyter server extension enable jupyter_server_terminals, then podkeeper restart jupyter"
        verdicts.append(failed("terminal", text, remedy))
    elif seen["listing"] != 200 or seen.get("made", 200) >= 300:
        text = f"no terminal can be made ({seen.get('made') or seen['listing']})"
        verdicts.append(failed("terminal", text, f"grep -i terminal {log}"))
    elif seen.get("socket") and not seen["events"]:
        text = f"a terminal opens but does not answer: {seen['socket']}"
        verdicts.append(failed("terminal", text, f"check that bash runs; grep -i terminal {log}"))
    return verdicts or [ok("terminal", "one was opened, used and closed over its WebSocket")]


def log(seen: Seen, pod: Pod) -> list[Verdict]:
    """What JupyterLab's log says since its last start."""
    path = f"{pod.paths.log}/jupyter.log"
    if not pod.settings.jupyter_enabled:
        return [skipped("jupyter-log", "JupyterLab is switched off")]
    if seen.get("problem"):
        return [warning("jupyter-log", f"{path} can't be read: {seen['problem']}", "podkeeper restart jupyter")]
    for line in seen["blocked"]:
        remedy = "open JupyterLab by its address with ?token=; see the jupyter-proxy check"
        return [warning("jupyter-log", f"a request was refused: {line[:160]}", remedy)]
    for line in seen["errors"]:
        return [warning("jupyter-log", f"its last error: {line[:160]}", f"read the end of {path}")]
    return [ok("jupyter-log", "no refused request and no error since its start")]
