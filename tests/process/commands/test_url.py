"""`podkeeper url` where only one of the services asks for a login."""

from __future__ import annotations

from pathlib import Path

from tests.support.pod import TOKEN, environ_for, running


def test_comfyuis_address_has_its_login_where_jupyterlab_asks_for_none(tmp_path: Path) -> None:
    environ = environ_for(tmp_path) | {"COMFYUI_ENABLED": "true", "JUPYTER_AUTH": "none", "COMFYUI_AUTH": "token"}
    with running(tmp_path / "pod", environ) as pod:
        pod.wait_for_jupyter()
        lines = dict(line.split() for line in pod.podkeeper("url").stdout.splitlines())
    assert lines["ComfyUI"].endswith(f"/?token={TOKEN}")
    assert lines["JupyterLab"].endswith("/lab")
