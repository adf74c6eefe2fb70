"""P: ComfyUI's command line, from the settings and the checks before a launch.

Arguments that make ComfyUI exit at start (1, 2 or 255, measured with 0.3.64 and 0.29) are left out and become
conditions instead of a crash loop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from entrypoint.conditions.condition import Condition
from entrypoint.gpu import attention
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Argument -> the Python package without which ComfyUI exits (255 for sage-attention).
NEEDS_PACKAGE = {"--use-sage-attention": "sageattention", "--use-flash-attention": "flash_attn"}
#: ComfyUI's argument for SageAttention.
SAGE = attention.ARGUMENTS[attention.SAGE]
#: Arguments with which the user has already chosen a device.
CHOOSES_DEVICE = ("--cpu", "--directml", "--oneapi-device-selector")
#: Arguments that argparse refuses beside --cpu (cli_args.py of ComfyUI: `vram_group`).
NEEDS_GPU = ("--gpu-only", "--highvram", "--normalvram", "--lowvram", "--novram")
#: ComfyUI's arguments for ComfyUI-Manager. The second implies the first for ComfyUI, but not for its user interface
#: (comfyui-frontend 1.47 looks for both), and argparse refuses it beside the third.
MANAGER, LEGACY_MANAGER, NO_MANAGER_UI = "--enable-manager", "--enable-manager-legacy-ui", "--disable-manager-ui"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchFacts:
    """The results of the checks before a launch.

    Attributes:
        packages: Package -> whether ComfyUI's Python has it.
        model_paths: Path of each extra_model_paths.yaml, the user's or a former template's -> why it can't be used;
            "": it can.
        gpus_promised: How many GPUs RunPod says that the pod has.
        database: Path for ComfyUI's database, or "" where ComfyUI can write it beside its code.
        attention: The attention that a check has chosen for this GPU and these packages (gpu/attention.py), or "".
        manager: The arguments with which this ComfyUI starts the ComfyUI-Manager that is installed beside it.
        handover: Path of podkeeper's extra_model_paths.yaml (handover/nodes/podkeeper.py), or "" for an old ComfyUI.
        extra_nodes: The folders of custom nodes that those files name.
        local_models: Path of the extra_model_paths.yaml with the models on the local disk, or "".
        image_nodes: Path of the extra_model_paths.yaml that names the image's own nodes, or "".
    """

    gpu: bool
    packages: Mapping[str, bool]
    model_paths: Mapping[str, str] = field(default_factory=dict)
    data_writable: bool = True
    database: str = ""
    gpus_promised: int = 0
    handover: str = ""
    image_nodes: str = ""
    local_models: str = ""
    extra_nodes: tuple[str, ...] = ()
    attention: str = ""
    manager: Collection[str] = ()


def build(settings: Settings, paths: Paths, facts: LaunchFacts) -> tuple[list[str], list[Condition]]:
    """The arguments for main.py, and the conditions that explain them."""
    on_cpu = not facts.gpu and not any(spells(word, CHOOSES_DEVICE) for word in settings.comfyui_args)
    words = (*settings.comfyui_args, *_attention(settings, facts, on_cpu=on_cpu))
    given, conditions = _usable(words, settings, facts, on_cpu=on_cpu)
    own = ["--listen", "127.0.0.1", "--port", str(settings.comfyui_internal_port)]
    own += ["--base-directory", paths.data, "--disable-auto-launch"]
    if not any(spells(argument, ("--max-upload-size",)) for argument in given):
        own += ["--max-upload-size", "4096"]  # MB; the default of 100 refuses longer videos
    if not facts.gpu:
        conditions.append(gpu_missing(facts.gpus_promised) if facts.gpus_promised else NO_GPU)
    if on_cpu:
        own.append("--cpu")
    if not facts.data_writable:
        reason = f"ComfyUI can't write to {paths.data}: results can't be saved"
        conditions.append(Condition("DataReadOnly", reason, "mount the volume writable, or free space on it"))
        own += ["--temp-directory", paths.runtime]  # ComfyUI exits 1 where it can't make its temp folder
    if facts.database:
        own += ["--database-url", f"sqlite:///{facts.database}"]
    broken = {path: why for path, why in facts.model_paths.items() if why}
    if broken:
        reason = "; ".join(f"ComfyUI starts without {path}: {why}" for path, why in broken.items())
        remedy = "fix the file, then run: podkeeper restart comfyui"
        conditions.append(Condition("ExtraModelPathsBroken", reason, remedy))
    for path in facts.model_paths:
        own += [] if path in broken else ["--extra-model-paths-config", path]
    if facts.handover:
        own += ["--extra-model-paths-config", facts.handover]
    for path in filter(None, (facts.local_models, facts.image_nodes)):
        own += ["--extra-model-paths-config", path]
    own += manager_arguments(settings, given, facts.manager)
    return own + given, conditions


def _attention(settings: Settings, facts: LaunchFacts, *, on_cpu: bool) -> list[str]:
    chosen = [word for word in settings.comfyui_args if spells(word, attention.USERS_ARGUMENTS)]
    argument = attention.argument(settings.attention, facts.attention, chosen, on_cpu=on_cpu)
    return [argument] if argument else []


def attention_of(command: Collection[str]) -> str:
    """The attention of gpu/attention.py that a command line asks for, or ""."""
    return next((name for name, word in attention.ARGUMENTS.items() if word in command), "")


def manager_arguments(settings: Settings, given: Collection[str], known: Collection[str]) -> list[str]:
    """The arguments that start ComfyUI-Manager: none where the user gives one, or anybody could install nodes."""
    if settings.comfyui_manager == "off" or settings.comfyui_auth == "none" or MANAGER not in known:
        return []
    if any(word in (MANAGER, LEGACY_MANAGER) for word in given):
        return []
    without = settings.comfyui_manager == "new" or any(spells(word, (NO_MANAGER_UI,)) for word in given)
    return [MANAGER] if without or LEGACY_MANAGER not in known else [MANAGER, LEGACY_MANAGER]


NO_GPU = Condition(
    "NoGpu",
    "no GPU is visible, so ComfyUI computes on the CPU, slowly",
    "start the pod with a GPU (a stopped pod may come back with none), or docker run with --gpus all",
)


def gpu_missing(promised: int) -> Condition:
    """The condition that a pod with GPUs has come back without one."""
    reason = (
        f"RunPod says that this pod has {promised} GPU(s), and none is visible: ComfyUI computes on the CPU, slowly"
    )
    return Condition("GpuMissing", reason, "stop the pod and start it again, or deploy another one on this volume")


def spells(word: str, options: Collection[str]) -> str:
    """The option of `options` that a word of the command line means to argparse, or "".

    argparse takes `--option=value`, and any beginning of an option that is no other's. `--cpu` is an option of its own,
    though `--cpu-vae` begins with it.
    """
    name = word.partition("=")[0]
    if name in options:
        return name
    known = [option for option in options if len(name) > 4 and option.startswith(name)]
    return known[0] if known else ""


def _usable(
    arguments: tuple[str, ...], settings: Settings, facts: LaunchFacts, *, on_cpu: bool
) -> tuple[list[str], list[Condition]]:
    """The arguments without those that would make ComfyUI exit, and a condition that names these."""
    kept, left_out = [], []
    for argument in arguments:
        package = NEEDS_PACKAGE.get(spells(argument, NEEDS_PACKAGE), "")
        if package and not facts.packages.get(package, False):
            left_out.append(
                (argument, f"the package {package} is not installed", f"install {package}: pip install {package}")
            )
        elif on_cpu and spells(argument, NEEDS_GPU):
            left_out.append((argument, "ComfyUI takes no such argument on the CPU", "start the pod with a GPU"))
        else:
            kept.append(argument)
    if not left_out:
        return kept, []
    names = " ".join(argument for argument, _, _ in left_out)
    reason = "; ".join(f"ComfyUI starts without {argument}: {why}" for argument, why, _ in left_out)
    remedies = dict.fromkeys(remedy for _, _, remedy in left_out)
    by_setting = not any(argument in settings.comfyui_args for argument, _, _ in left_out)
    undo = "set ATTENTION=auto" if by_setting else f"remove {names} from COMFYUI_ARGS"
    remedy = f"{'; '.join(remedies)}; or {undo}"
    return kept, [Condition("ComfyUIArgumentDropped", reason, remedy)]
