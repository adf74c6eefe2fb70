"""A: `[program:worker]`: becomes the worker of RunPod Serverless, with RunPod's key."""

from __future__ import annotations

import os
import sys

from entrypoint.conditions.condition import Condition
from entrypoint.serverless.mode import SECRETS
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.launch_report import report_launch
from entrypoint.system.named_secrets import named_secrets
from entrypoint.system.privileges import become_service_user

#: The environment of RunPod's SDK in the image's variant `serverless`.
PYTHON = "/opt/podkeeper/worker-env/bin/python"


def main() -> int:
    """Execute the worker; returns an exit code only where that cannot be done."""
    settings, paths = Settings.from_environ(os.environ), Paths.from_environ(os.environ)
    secrets = named_secrets(SECRETS, paths)  # while this process may still be root
    become_service_user(settings)
    python = settings.worker_python or PYTHON
    if not os.access(python, os.X_OK):
        problem = Condition(
            "WorkerMissing", f"there is no {python}: this image has no SDK of RunPod's",
            "use the image's variant `serverless`, or set WORKER=off",
        )  # fmt: skip
        return report_launch(paths.runtime, "worker", [problem])
    report_launch(paths.runtime, "worker", [])
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sdk_worker.py")
    # The checks of the SDK measure a GPU, a disk and the network before the first job: `podkeeper gpu` does, beside it.
    quiet = {"RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true", "RUNPOD_SKIP_GPU_CHECK": "true", "RUNPOD_DEBUG_LEVEL": "INFO"}
    serve = ["--rp_serve_api", "--rp_api_host", "127.0.0.1"] if settings.serve_api_locally else []
    return os.execve(python, [python, "-u", script, *serve], quiet | dict(os.environ) | secrets)


if __name__ == "__main__":
    sys.exit(main())
