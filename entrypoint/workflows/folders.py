"""P: ComfyUI's loaders: which of their inputs name a model file, and the model folder that it is in.

From ComfyUI 0.29's nodes.py, comfy_extras and folder_paths.py, and a few loaders of common custom nodes.
"""

from __future__ import annotations

from entrypoint.models.sources.endings import MODELS as ENDINGS

#: A model folder -> the folders that ComfyUI looks in, the one that files are fetched into first.
ALIASES = {
    "checkpoints": ("checkpoints", "checkpoint_models"),
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("diffusion_models", "unet"),
    "controlnet": ("controlnet", "t2i_adapter"),
}
_CANONICAL = {other: name for name, others in ALIASES.items() for other in others}

_CLIP = "text_encoders"
#: Class -> its first widgets, in order: (input, model folder; "": no model).
LOADERS: dict[str, tuple[tuple[str, str], ...]] = {
    "AudioEncoderLoader": (("audio_encoder_name", "audio_encoders"),),
    "CLIPLoader": (("clip_name", _CLIP),),
    "CLIPLoaderGGUF": (("clip_name", _CLIP),),
    "CLIPVisionLoader": (("clip_name", "clip_vision"),),
    "CheckpointLoader": (("config_name", ""), ("ckpt_name", "checkpoints")),
    "CheckpointLoaderSimple": (("ckpt_name", "checkpoints"),),
    "ControlNetLoader": (("control_net_name", "controlnet"),),
    "CreateHookLora": (("lora_name", "loras"),),
    "CreateHookLoraModelOnly": (("lora_name", "loras"),),
    "CreateHookModelAsLora": (("ckpt_name", "checkpoints"),),
    "CreateHookModelAsLoraModelOnly": (("ckpt_name", "checkpoints"),),
    "DiffControlNetLoader": (("control_net_name", "controlnet"),),
    "DualCLIPLoader": (("clip_name1", _CLIP), ("clip_name2", _CLIP)),
    "DualCLIPLoaderGGUF": (("clip_name1", _CLIP), ("clip_name2", _CLIP)),
    "FrameInterpolationModelLoader": (("model_name", "frame_interpolation"),),
    "GLIGENLoader": (("gligen_name", "gligen"),),
    "HypernetworkLoader": (("hypernetwork_name", "hypernetworks"),),
    "ImageOnlyCheckpointLoader": (("ckpt_name", "checkpoints"),),
    "LTXAVTextEncoderLoader": (("text_encoder", _CLIP), ("ckpt_name", "checkpoints")),
    "LTXVAudioVAELoader": (("ckpt_name", "checkpoints"),),
    "LatentUpscaleModelLoader": (("model_name", "latent_upscale_models"),),
    "LoadBackgroundRemovalModel": (("bg_removal_name", "background_removal"),),
    "LoadDA3Model": (("model_name", "geometry_estimation"),),
    "LoadMoGeModel": (("model_name", "geometry_estimation"),),
    "LoadWanVideoT5TextEncoder": (("model_name", _CLIP),),
    "LoraLoader": (("lora_name", "loras"),),
    "LoraLoaderBypass": (("lora_name", "loras"),),
    "LoraLoaderBypassModelOnly": (("lora_name", "loras"),),
    "LoraLoaderModelOnly": (("lora_name", "loras"),),
    "LoadMediaPipeFaceLandmarker": (("model_name", "detection"),),
    "ModelPatchLoader": (("name", "model_patches"),),
    "OpticalFlowLoader": (("model_name", "optical_flow"),),
    "PhotoMakerLoader": (("photomaker_model_name", "photomaker"),),
    "QuadrupleCLIPLoader": tuple((f"clip_name{number}", _CLIP) for number in range(1, 5)),
    "StyleModelLoader": (("style_model_name", "style_models"),),
    "TripleCLIPLoader": tuple((f"clip_name{number}", _CLIP) for number in range(1, 4)),
    "UNETLoader": (("unet_name", "diffusion_models"),),
    "UnetLoaderGGUF": (("unet_name", "diffusion_models"),),
    "UpscaleModelLoader": (("model_name", "upscale_models"),),
    "VAELoader": (("vae_name", "vae"),),
    "WanVideoLoraSelect": (("lora", "loras"),),
    "WanVideoModelLoader": (("model", "diffusion_models"),),
    "WanVideoVAELoader": (("model_name", "vae"),),
    "unCLIPCheckpointLoader": (("ckpt_name", "checkpoints"),),
}
#: Input -> model folder, for classes that are not in the table. `model_name` says nothing by itself.
_INPUTS = {
    "ckpt_name": "checkpoints", "unet_name": "diffusion_models", "vae_name": "vae", "lora_name": "loras",
    "lora": "loras", "control_net_name": "controlnet", "controlnet_name": "controlnet",
    "style_model_name": "style_models", "gligen_name": "gligen", "hypernetwork_name": "hypernetworks",
    "clip_vision_name": "clip_vision", "upscale_model_name": "upscale_models", "audio_encoder_name": "audio_encoders",
}  # fmt: skip


def widget_names(kind: str) -> tuple[str, ...]:
    """The names of a class's first widgets, as far as the table has them."""
    return tuple(name for name, _ in LOADERS.get(kind, ()))


def folder_for(kind: str, name: str) -> str:
    """The model folder that input `name` of class `kind` chooses from; "": not known."""
    known = dict(LOADERS.get(kind, ()))
    if name in known:
        return known[name]
    if name in _INPUTS:
        return _INPUTS[name]
    if name.rstrip("0123456789") == "clip_name":
        return _CLIP
    return "loras" if name.startswith("lora_") else ""


def canonical(directory: str) -> str:
    """A model folder by its current name: `unet` is `diffusion_models`, `clip` is `text_encoders`."""
    top, slash, rest = directory.partition("/")
    return f"{_CANONICAL.get(top, top)}{slash}{rest}"


def is_model_name(text: str) -> bool:
    """Whether a widget's text names a model file: no address, and a model's ending."""
    return text.lower().endswith(ENDINGS) and "://" not in text and "\n" not in text and len(text) < 500
