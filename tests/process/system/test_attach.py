"""The pod that a command belongs to, for every user."""

from __future__ import annotations

import os
from pathlib import Path

from entrypoint.system.attach import attach
from tests.support.file_systems import as_user, folder_for_others, needs_root


@needs_root
def test_another_user_finds_the_folders_of_the_pod_that_root_has_started() -> None:
    """`docker exec --user 1000` under PUID=1000: the pod's state is that of a root pod's service user."""
    with folder_for_others() as home:
        (home / "run").mkdir()
        environ = {"PODKEEPER_HOME": str(home), "PUID": "65534", "PATH": os.environ["PATH"]}
        wanted = f"{home}/comfyui/.podkeeper-65534"
        assert attach(environ).paths.models_state == wanted

        def ask() -> None:
            assert attach(environ).paths.models_state == wanted

        as_user(65534, ask)
        Path(home / "run").rmdir()

        def ask_without_a_pod() -> None:
            assert attach(environ).paths.models_state == f"{home}/comfyui/.podkeeper"

        as_user(65534, ask_without_a_pod)
