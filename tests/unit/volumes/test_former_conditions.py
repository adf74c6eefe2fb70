"""What is said about folders that other templates have left."""

from __future__ import annotations

import pytest

from entrypoint.volumes.former_conditions import Unused, is_named, is_users_file, unused_condition

MODELS = Unused("/workspace/ComfyUI/models", "/comfyui/models", ("loras", "odd: {name}", "vae"))
NODES = Unused("/workspace/ComfyUI/custom_nodes", "/comfyui/custom_nodes")


@pytest.mark.parametrize(
    ("unused", "text", "named"),
    [
        (MODELS, "", False),
        (MODELS, "a:\n  base_path: /workspace/ComfyUI\n  loras: models/loras\n", True),
        (MODELS, "a:\n  base_path: /workspace/ComfyUI/models\n  loras: loras\n", True),
        (MODELS, "a:\n  loras: /workspace/ComfyUI/models/loras\n", True),
        (MODELS, "a:\n  base_path: /workspace/ComfyUI2\n  loras: models/loras\n", False),
        (MODELS, "#a:\n#  base_path: /workspace/ComfyUI/models\n", False),
        (NODES, "a:\n  base_path: /workspace/ComfyUI\n  loras: models/loras\n", False),
        (NODES, "a:\n  base_path: /workspace/ComfyUI\n  custom_nodes: custom_nodes\n", True),
        (Unused("/workspace/models", "", ("vae",)), "a:\n  base_path: /workspace/storage\n  vae: models/vae\n", False),
    ],
)
def test_a_folder_that_extra_model_paths_names_is_used(unused: Unused, text: str, named: bool) -> None:
    assert is_named(unused, text) is named


def test_the_remedy_is_a_line_for_models_and_mv_for_the_others() -> None:
    condition = unused_condition([MODELS, NODES], "/comfyui/extra_model_paths.yaml")
    line = "workspace_comfyui_models: {base_path: /workspace/ComfyUI/models, loras: loras, vae: vae}"
    assert line in condition.remedy
    assert "mv -n /workspace/ComfyUI/custom_nodes/NAME /comfyui/custom_nodes/" in condition.remedy


@pytest.mark.parametrize("name", ["put_vae_here", "_output_images_will_be_put_here", "__pycache__", ".DS_Store"])
def test_what_every_clone_has_is_no_users_file(name: str) -> None:
    assert not is_users_file(name)
    assert is_users_file(f"{name}.safetensors") or name.startswith(".")
