"""A custom node that imports what 21 packs of custom nodes import; packages that are not installed are left out.

It stands in for the packs themselves, which are other people's repositories. The names follow their requirements, in
the order in which ComfyUI would load the packs.
"""

import importlib
import sys
import time

MODULES = (
    # ComfyUI-Manager
    "git", "github", "nio", "chardet", "toml", "typer", "rich.console", "huggingface_hub",
    # ComfyUI-KJNodes, ComfyUI-VideoHelperSuite
    "cv2", "color_matcher", "matplotlib.pyplot", "mss", "imageio_ffmpeg",
    # ComfyUI-WanVideoWrapper
    "accelerate", "diffusers.models.modeling_utils", "diffusers.schedulers.scheduling_unipc_multistep",
    "diffusers.configuration_utils", "einops", "ftfy", "google.protobuf", "sentencepiece", "transformers",
    # ComfyUI_Fill-Nodes
    "librosa", "sounddevice", "glitch_this", "glfw", "moviepy.editor", "reportlab.pdfgen.canvas", "openai", "PyPDF2",
    "pdf2image", "fitz", "ollama", "gdown", "open_clip", "google.genai", "google.cloud.storage", "fal_client",
    "runwayml",
    # ComfyUI_LayerStyle, ComfyUI_LayerStyle_Advance
    "skimage", "sklearn", "sklearn.cluster", "pymatting", "timm", "colour", "blend_modes", "loguru", "segment_anything",
    "addict", "omegaconf", "yapf", "wget", "iopath", "mediapipe", "typer_config", "fastapi", "google.generativeai",
    "ultralytics", "transparent_background", "onnxruntime", "bitsandbytes", "peft", "hydra", "blind_watermark",
    "qrcode", "pyzbar.pyzbar", "psd_tools", "zhipuai",
    # ComfyUI-Easy-Use, ComfyUI_essentials, ComfyUI-GGUF
    "clip_interrogator", "lark", "numba", "rembg", "pixeloe", "gguf",
)  # fmt: skip
NODE_CLASS_MAPPINGS: dict[str, type] = {}

_began = time.monotonic()
_failed: dict[str, str] = {}
for _name in MODULES:
    try:
        importlib.import_module(_name)
    except Exception as error:
        _failed[_name] = f"{type(error).__name__}: {error}"
print(
    f"packages node: {len(MODULES) - len(_failed)} of {len(MODULES)} modules imported in "
    f"{time.monotonic() - _began:.1f} s, {len(sys.modules)} modules in all; not: {sorted(_failed)}",
    flush=True,
)
if _failed:
    print(
        "\n".join(f"packages node: {name}: {' '.join(why.split())[:200]}" for name, why in _failed.items()), flush=True
    )
