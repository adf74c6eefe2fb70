"""P: the endings of model files, and of what stands beside them in a repository."""

from __future__ import annotations

#: folder_paths.py's `supported_pt_extensions` (ComfyUI 0.29), and those of common custom nodes.
MODELS = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".bin", ".pth", ".pkl", ".gguf", ".onnx")
#: What a pipeline's folder needs beside its weights: configurations and tokenizers.
CONFIGS = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".yaml")


def is_model(name: str) -> bool:
    """Whether a name ends like a model's."""
    return name.lower().endswith(MODELS)
