"""A pod that finds files of a user's, and that another user may run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator

from tests.support.file_systems import folder_for_others
from tests.support.pod import Pod, running

UID = 1000


@contextlib.contextmanager
def pod_with(files: dict[str, str], python: str, environ: dict[str, str], user: int | None = None) -> Iterator[Pod]:
    with folder_for_others(0o777) as top:
        home = top / "pod"
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        if user is not None:
            for path in (home, *home.rglob("*")):
                os.chown(path, user, user)
        with running(home, environ, python=python, user=user) as pod:
            if environ.get("JUPYTER_INTERNAL_PORT"):
                pod.jupyter_port = int(environ["JUPYTER_PORT"])
            pod.wait_for_jupyter()
            yield pod


def conditions(pod: Pod) -> dict[str, str]:
    folder = pod.home / "run/conditions"
    return {path.stem: json.loads(path.read_text())["reason"] for path in folder.glob("*.json")}
