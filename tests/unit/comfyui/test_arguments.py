"""ComfyUI's command line."""

import pytest

from entrypoint.comfyui.arguments import LaunchFacts, attention_of, build
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings

BASE = ["--listen", "127.0.0.1", "--port", "18188", "--base-directory", "/comfyui", "--disable-auto-launch"]
NEW, LEGACY = "--enable-manager", "--enable-manager-legacy-ui"
UPLOAD = ["--max-upload-size", "4096"]
GPU = {"gpu": True, "packages": {}}
SAGE = {"sageattention": True}


def build_for(settings: Settings, **facts: object) -> tuple[list[str], list[str]]:
    paths = locate(settings, Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/usr/bin/python3"))
    arguments, conditions = build(settings, paths, LaunchFacts(**{**GPU, **facts}))  # type: ignore[arg-type]
    return arguments, [condition.name for condition in conditions]


@pytest.mark.parametrize(
    ("settings", "facts", "behind_base", "conditions"),
    [
        (Settings(), {}, UPLOAD, []),
        (Settings(), {"gpu": False}, [*UPLOAD, "--cpu"], ["NoGpu"]),
        (Settings(comfyui_args=("--cpu",)), {"gpu": False}, [*UPLOAD, "--cpu"], ["NoGpu"]),
        (Settings(comfyui_args=("--cpu-vae",)), {"gpu": False}, [*UPLOAD, "--cpu", "--cpu-vae"], ["NoGpu"]),
        *((Settings(comfyui_args=(word, "--fast")), {"gpu": False}, [*UPLOAD, "--cpu", "--fast"],
           ["ComfyUIArgumentDropped", "NoGpu"])
          for word in ("--lowvram", "--lowv", "--novram", "--highvram", "--normalvram", "--gpu-only", "--gpu-o")),
        (Settings(comfyui_args=("--cpu", "--lowvram")), {"gpu": False}, [*UPLOAD, "--cpu", "--lowvram"], ["NoGpu"]),
        (Settings(comfyui_args=("--direct=0", "--lowvram")), {"gpu": False}, [*UPLOAD, "--direct=0", "--lowvram"],
         ["NoGpu"]),
        (Settings(comfyui_args=("--max-up=9",)), {}, ["--max-up=9"], []),
        (Settings(comfyui_args=("--use-sage",)), {"packages": {}}, UPLOAD, ["ComfyUIArgumentDropped"]),
        (Settings(), {"attention": "sage"}, UPLOAD, ["ComfyUIArgumentDropped"]),  # uninstalled since
        (Settings(), {"attention": "sage", "packages": SAGE}, [*UPLOAD, "--use-sage-attention"], []),
        (Settings(), {"attention": "sage", "packages": SAGE, "gpu": False}, [*UPLOAD, "--cpu"], ["NoGpu"]),
        (Settings(), {"attention": "sdpa", "packages": SAGE}, UPLOAD, []),
        (Settings(attention="sage"), {"attention": "sdpa", "packages": SAGE}, [*UPLOAD, "--use-sage-attention"], []),
        (Settings(attention="sage"), {}, UPLOAD, ["ComfyUIArgumentDropped"]),
        (Settings(attention="sdpa"), {"attention": "sage", "packages": SAGE},
         [*UPLOAD, "--use-pytorch-cross-attention"], []),
        (Settings(attention="sage", comfyui_args=("--use-quad",)), {"attention": "sage", "packages": SAGE},
         [*UPLOAD, "--use-quad"], []),
        (Settings(comfyui_args=("--directml",)), {"gpu": False}, [*UPLOAD, "--directml"], ["NoGpu"]),
        (Settings(comfyui_args=("--lowvram", "--fast")), {}, [*UPLOAD, "--lowvram", "--fast"], []),
        (Settings(comfyui_args=("--max-upload-size", "9")), {}, ["--max-upload-size", "9"], []),
        (
            Settings(), {"database": "/root/comfyui.db"},
            [*UPLOAD, "--database-url", "sqlite:////root/comfyui.db"], [],
        ),
        (Settings(pod_id="abc123"), {}, UPLOAD, []),
        (Settings(comfyui_auth="none"), {}, UPLOAD, []),
        (
            Settings(comfyui_args=("--use-sage-attention", "--fast")), {"packages": {"sageattention": False}},
            [*UPLOAD, "--fast"], ["ComfyUIArgumentDropped"],
        ),
        (
            Settings(comfyui_args=("--use-sage-attention",)), {"packages": {"sageattention": True}},
            [*UPLOAD, "--use-sage-attention"], [],
        ),
        (Settings(), {"data_writable": False}, [*UPLOAD, "--temp-directory", "/run/podkeeper"], ["DataReadOnly"]),
        (Settings(), {"model_paths": {"/comfyui/e.yaml": ""}},
         [*UPLOAD, "--extra-model-paths-config", "/comfyui/e.yaml"], []),
        (Settings(), {"model_paths": {"/comfyui/e.yaml": "it is not YAML"}}, UPLOAD, ["ExtraModelPathsBroken"]),
        (Settings(), {"model_paths": {"/comfyui/e.yaml": "it is not YAML", "/workspace/ComfyUI/e.yaml": ""}},
         [*UPLOAD, "--extra-model-paths-config", "/workspace/ComfyUI/e.yaml"], ["ExtraModelPathsBroken"]),
        (Settings(), {"manager": (NEW, LEGACY)}, [*UPLOAD, NEW, LEGACY], []),
        (Settings(), {"manager": (NEW,)}, [*UPLOAD, NEW], []),
        (Settings(comfyui_manager="new"), {"manager": (NEW, LEGACY)}, [*UPLOAD, NEW], []),
        (Settings(comfyui_manager="off"), {"manager": (NEW, LEGACY)}, UPLOAD, []),
        (Settings(comfyui_auth="none"), {"manager": (NEW, LEGACY)}, UPLOAD, []),
        (Settings(comfyui_args=(NEW,)), {"manager": (NEW, LEGACY)}, [*UPLOAD, NEW], []),
        (Settings(comfyui_args=("--disable-manager-ui",)), {"manager": (NEW, LEGACY)},
         [*UPLOAD, NEW, "--disable-manager-ui"], []),
        (Settings(), {"local_models": "/l.yaml"}, [*UPLOAD, "--extra-model-paths-config", "/l.yaml"], []),
        (Settings(), {"handover": "/ours.yaml"}, [*UPLOAD, "--extra-model-paths-config", "/ours.yaml"], []),
    ],
)  # fmt: skip
def test_arguments_and_conditions(
    settings: Settings, facts: dict[str, object], behind_base: list[str], conditions: list[str]
) -> None:
    assert build_for(settings, **facts) == (BASE + behind_base, conditions)


@pytest.mark.parametrize("auth", ["token", "none"])
def test_without_a_door_comfyui_listens_on_the_loopback(auth: str) -> None:
    arguments, _ = build_for(Settings(comfyui_internal_port=8188, comfyui_auth=auth), handover="/ours.yaml")
    assert arguments[:4] == ["--listen", "127.0.0.1", "--port", "8188"]
    assert "/ours.yaml" in arguments  # it also keeps the queue


def test_the_users_arguments_come_last_so_that_they_win() -> None:
    arguments, _ = build_for(Settings(comfyui_args=("--preview-method", "auto")), gpu=False)
    assert arguments[-2:] == ["--preview-method", "auto"]


def test_an_argument_of_the_setting_is_dropped_with_that_settings_remedy() -> None:
    paths = locate(Settings(), Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/usr/bin/python3"))
    _, (condition,) = build(Settings(attention="sage"), paths, LaunchFacts(gpu=True, packages={}))
    assert condition.remedy == "install sageattention: pip install sageattention; or set ATTENTION=auto"


def test_the_attention_of_a_command_line() -> None:
    assert attention_of(["--listen", "--use-sage-attention"]) == "sage"
    assert attention_of(["--use-pytorch-cross-attention"]) == "sdpa"
    assert attention_of(["--use-flash-attention"]) == ""
