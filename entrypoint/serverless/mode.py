"""P: whether this pod is a worker of RunPod Serverless, and what runs in it then."""

from __future__ import annotations

from dataclasses import replace

from entrypoint.settings.settings import Settings

#: What the worker alone gets: RunPod's key of the endpoint; the bucket's, by worker-comfyui's names; Comfy.org's.
SECRETS = (
    "RUNPOD_AI_API_KEY", "BUCKET_ENDPOINT_URL", "BUCKET_ACCESS_KEY_ID", "BUCKET_SECRET_ACCESS_KEY", "COMFY_ORG_API_KEY",
)  # fmt: skip
#: A worker is reached through RunPod's queue alone: no JupyterLab, no door, no status page.
PROGRAMS = "comfyui,jobs,logs,models,nodes,outputs,prober,sshd,webhooks,worker"


def is_worker(settings: Settings) -> bool:
    """Whether the pod takes jobs from RunPod's queue. RunPod sets the address in its serverless workers alone."""
    return settings.worker == "runpod" or (settings.worker != "off" and bool(settings.runpod_jobs))


def settings_for_worker(settings: Settings) -> Settings:
    """The settings of a worker's pod."""
    return replace(
        settings,
        jupyter_enabled=False,
        status_enabled=False,
        comfyui_enabled=True,
        comfyui_manager="off",
        worker="runpod",
    ).without_door()
