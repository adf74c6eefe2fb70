"""A: `podkeeper run WORKFLOW`: one job through ComfyUI (entrypoint.jobs)."""

from __future__ import annotations

import os
import time
from argparse import Namespace

from entrypoint.commands.outputs import look_now, wait_for_delivery
from entrypoint.commands.program import run
from entrypoint.jobs import batch
from entrypoint.jobs.batch_requests import Options
from entrypoint.jobs.failure import EX_CANTCREAT
from entrypoint.models.sources.tokens import take_logins
from entrypoint.outputs.secrets import kept_for_rclone
from entrypoint.settings.paths import ENDS_WITH
from entrypoint.system.own_settings import settings_and_paths
from entrypoint.system.privileges import become_service_user

#: Seconds for which a pod for one job waits until its files are delivered (OUTPUTS_TO).
_DELIVERED_S = 1800.0


def main(given: Namespace) -> int:
    """Run the job; returns the exit code."""
    settings, paths = settings_and_paths()
    take_logins(paths)
    secrets = kept_for_rclone(paths)  # while this process may still be root
    become_service_user(settings)  # inputs, records and results are that user's
    options = Options(
        file=given.file, sets=given.set, inputs=given.input, outputs=given.outputs, out=given.out, id=given.id,
        timeout=given.timeout, as_json=given.json, result=given.result, list=given.list,
        index=_index(given.index) if given.list else -1,
        fetch=bool(os.environ.get(ENDS_WITH)) if given.fetch is None else given.fetch,
    )  # fmt: skip
    code = batch.run(settings, paths, options, secrets)
    if os.environ.get(ENDS_WITH) and settings.outputs_to and not code:  # else the pod would end before
        began = time.time()
        look_now(paths)
        state = wait_for_delivery(settings, paths, began, began + _DELIVERED_S)
        print(f"outputs: {state.text()}", flush=True)
        return 0 if state.is_complete(began) else EX_CANTCREAT
    return code


def _index(given: int | None) -> int:
    """The line of a list that this process runs: Kubernetes numbers the pods of an indexed Job."""
    text = os.environ.get("JOB_COMPLETION_INDEX", "")
    return given if given is not None else int(text) if text.isdigit() else -1


if __name__ == "__main__":
    run("run", main)
