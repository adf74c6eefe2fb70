"""P: ComfyUI's command line, from the settings and what was found out before the launch.

What makes ComfyUI exit at start (1, 2 or 255, measured with 0.3.64 and 0.29) is avoided here, told as a
condition, and never left to a crash loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Argument -> the Python package without which ComfyUI exits (255 for sage-attention).
NEEDS_PACKAGE = {"--use-sage-attention": "sageattention", "--use-flash-attention": "flash_attn"}
#: Arguments with which the user has already said what to compute on.
CHOOSES_DEVICE = ("--cpu", "--directml", "--oneapi-device-selector")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What was looked up before a launch.

    Attributes:
        gpu: Whether a GPU can be seen.
        packages: Package -> whether ComfyUI's Python has it.
        model_paths: The user's extra_model_paths.yaml, or "" where there is none.
        model_paths_problem: Why that file can't be used, or "".
        data_writable: Whether ComfyUI can write into its data folder.
        database: File for its database, or "" where it can keep it beside its code.
        handover: Our own extra_model_paths.yaml (handover/nodes/podkeeper.py), or "" where it can't be read.
    """

    gpu: bool
    packages: Mapping[str, bool]
    model_paths: str = ""
    model_paths_problem: str = ""
    data_writable: bool = True
    database: str = ""
    handover: str = ""


def build(settings: Settings, paths: Paths, launch: Launch) -> tuple[list[str], list[Condition]]:
    """The arguments for main.py, and what the user should know about them."""
    given, conditions = _usable(settings.comfyui_args, launch)
    found = ["--listen", _address(settings), "--port", str(settings.comfyui_internal_port)]
    found += ["--base-directory", paths.data, "--disable-auto-launch"]
    if not any(argument.startswith("--max-upload-size") for argument in given):
        found += ["--max-upload-size", "4096"]  # MB; the default of 100 refuses a longer video
    if not launch.gpu:
        conditions.append(NO_GPU)
        if not any(argument.startswith(CHOOSES_DEVICE) for argument in given):
            found.append("--cpu")
    if not launch.data_writable:
        conditions.append(_read_only(paths))
        found += ["--temp-directory", paths.runtime]  # it exits 1 where it can't make its temp folder
    if launch.database:
        found += ["--database-url", f"sqlite:///{launch.database}"]
    if launch.model_paths and launch.model_paths_problem:
        conditions.append(_broken_model_paths(launch))
    elif launch.model_paths:
        found += ["--extra-model-paths-config", launch.model_paths]
    if launch.handover and settings.gateway:
        found += ["--extra-model-paths-config", launch.handover]
    return found + given, conditions


def _address(settings: Settings) -> str:
    """Only where the user has switched the login off and there is no gateway does ComfyUI face the world itself."""
    return "0.0.0.0" if settings.comfyui_auth == "none" and not settings.gateway else "127.0.0.1"


NO_GPU = Condition(
    "NoGpu",
    "no GPU can be seen, so ComfyUI computes on the CPU, slowly",
    "start the pod with a GPU (a stopped pod may come back with none), or docker run with --gpus all",
)


def _usable(arguments: tuple[str, ...], launch: Launch) -> tuple[list[str], list[Condition]]:
    """The user's arguments without those that would make ComfyUI exit."""
    kept, conditions = [], []
    for argument in arguments:
        package = NEEDS_PACKAGE.get(argument)
        if package and not launch.packages.get(package, False):
            reason = f"ComfyUI starts without {argument}: the package {package} is not installed"
            remedy = f"install {package} into ComfyUI's environment, or take {argument} out of COMFYUI_ARGS"
            conditions.append(Condition("ComfyUIArgumentDropped", reason, remedy))
        else:
            kept.append(argument)
    return kept, conditions


def _read_only(paths: Paths) -> Condition:
    return Condition(
        "DataReadOnly",
        f"ComfyUI can't write to {paths.data}: results can't be saved",
        "mount the volume writable, or free space on it",
    )


def _broken_model_paths(launch: Launch) -> Condition:
    return Condition(
        "ExtraModelPathsBroken",
        f"ComfyUI starts without {launch.model_paths}: {launch.model_paths_problem}",
        "mend the file, then run: podkeeper restart comfyui",
    )
