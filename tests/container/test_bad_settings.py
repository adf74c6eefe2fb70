"""Bad settings never cost the pod: no restart, and JupyterLab's login page."""

from __future__ import annotations

import urllib.error
import urllib.request

from tests.support.bad_environments import TYPOS
from tests.support.container.engine import Container, running
from tests.support.waiting import wait_until


def test_twelve_typos_under_restart_always_cost_no_restart(image: str) -> None:
    typos = {name: text for name, (text, _) in TYPOS.items()} | {"COMFYUI_PORT": "abc", "PODKEEPER_STRICT": "ture"}
    options = [f"--env={name}={text}" for name, text in typos.items()]
    with running(image, "--restart=always", *options) as pod:
        wait_until(lambda: login_page(pod) == 401, 60, "the login page answers")
        pod.wait_for_log("SettingIgnored")
        assert pod.inspect("{{.RestartCount}}") == "0"


def login_page(pod: Container) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{pod.port()}/", headers={"Accept": "text/html"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
