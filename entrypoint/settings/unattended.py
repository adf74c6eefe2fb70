"""P: the settings of a pod that works unattended: as a worker of RunPod Serverless, and stopped where it is idle."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoint.settings import parsing
from entrypoint.settings.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class UnattendedSettings:
    """They are part of `Settings`."""

    worker: str = setting("WORKER", parsing.choice("runpod", "off"), "",
        "`runpod`: the pod takes jobs from RunPod Serverless, and has neither JupyterLab nor status page. Unset: in a "
        "serverless worker of RunPod's. Needs the image's variant `serverless`.")  # fmt: skip
    runpod_jobs: str = setting("RUNPOD_WEBHOOK_GET_JOB", str, "",
        "RunPod sets it in serverless workers: where jobs are taken from.")  # fmt: skip
    worker_python: str = setting("WORKER_PYTHON", parsing.path, "",
        "Python with RunPod's SDK. Unset: the image's.")  # fmt: skip
    worker_stream: bool = setting("WORKER_STREAM", parsing.boolean, False,
        "A serverless worker's jobs are streams: their progress, then the result.")  # fmt: skip
    refresh_worker: bool = setting("REFRESH_WORKER", parsing.boolean, False,
        "RunPod replaces a serverless worker after each job (worker-comfyui's name).")  # fmt: skip
    serve_api_locally: bool = setting("SERVE_API_LOCALLY", parsing.boolean, False,
        "`WORKER=runpod` without RunPod: the SDK's own server on port 8000 of the loopback takes the "
        "requests (worker-comfyui's name).")  # fmt: skip
    idle_stop: str = setting("IDLE_STOP", parsing.length_of_time, "",
        "How long the pod may be idle before it is stopped: `30m`, `2h`. Unset or `off`: it is never stopped for "
        "that.")  # fmt: skip
    idle_action: str = setting("IDLE_ACTION", parsing.choice("stop", "terminate", "exit"), "",
        "How the pod is stopped for `IDLE_STOP`, `MAX_HOURS` and `MAX_COST`: `stop` and `terminate` by RunPod's API "
        "(`terminate` deletes the pod and its volume disk), `exit`: the container exits with 0. Unset: `stop` on "
        "RunPod, `exit` elsewhere.")  # fmt: skip
    max_hours: float = setting("MAX_HOURS", parsing.amount, 0.0,
        "Hours after which the pod is stopped, busy or not; a warning comes before. 0: no limit.")  # fmt: skip
    max_cost: float = setting("MAX_COST", parsing.amount, 0.0,
        "Dollars that a run may cost before the pod is stopped, busy or not, with a warning. 0: any.")  # fmt: skip
    cost_per_hour: float = setting("COST_PER_HOUR", parsing.amount, 0.0,
        "Dollars that an hour of this pod costs. 0: on RunPod its own figure, elsewhere unknown.")  # fmt: skip
    runpod_rest_url: str = setting("RUNPOD_REST_URL", parsing.web_address, "https://rest.runpod.io/v1",
        "RunPod's REST API, which gets the pod's own key.")  # fmt: skip
