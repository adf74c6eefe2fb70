"""Workflows in the shapes of ComfyUI's templates, with what each needs. Written for the tests, in both formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HUB = "https://huggingface.co/o/r/resolve/main"
SHA256 = "0123456789abcdef" * 4


def entry(directory: str, name: str, **more: Any) -> dict[str, Any]:
    """One of a node's `properties.models`."""
    return {"name": name, "url": f"{HUB}/{name}?download=true", "directory": directory, **more}


def node(number: int, kind: str, *values: Any, models: Any = None, **more: Any) -> dict[str, Any]:
    """A node of the user interface's format, ComfyUI's own."""
    properties = {"Node name for S&R": kind, "cnr_id": "comfy-core", "ver": "0.3.40"}
    if models is not None:
        properties["models"] = models
    found = {"id": number, "type": kind, "mode": 0, "inputs": [], "widgets_values": list(values)}
    return found | {"properties": properties | more.pop("properties", {})} | more


def graph(*nodes: dict[str, Any], subgraphs: Any = None, **more: Any) -> dict[str, Any]:
    """A workflow of the user interface's format."""
    content = {"last_node_id": 9, "nodes": list(nodes), "links": [], "version": 0.4, "extra": {}}
    return content | ({"definitions": {"subgraphs": subgraphs}} if subgraphs is not None else {}) | more


def loader(number: int, kind: str, directory: str, name: str, *values: Any, **more: Any) -> dict[str, Any]:
    """A loader with the address of its file."""
    return node(number, kind, name, *values, models=[entry(directory, name)], **more)


def widget_input(name: str, link: int | None = None) -> dict[str, Any]:
    """An entry of a node's `inputs` that stands for a widget."""
    return {"name": name, "type": "COMBO", "widget": {"name": name}, "link": link}


def subgraph(identifier: str, inputs: list[str], *nodes: dict[str, Any]) -> dict[str, Any]:
    """A subgraph, whose inputs lead to the first input of its nodes, in order."""
    links = [
        {"id": slot, "origin_id": -10, "origin_slot": slot, "target_id": nodes[slot]["id"], "target_slot": 0}
        for slot in range(len(inputs))
    ]
    names = [{"id": name, "name": name, "type": "COMBO"} for name in inputs]
    return {"id": identifier, "name": "S", "inputs": names, "nodes": list(nodes), "links": links}


@dataclass(frozen=True)
class Shape:
    """A workflow. `models`: `folder/name` of each; `without`: those without an address; `packs`: the node packs."""

    content: Any
    models: tuple[str, ...]
    without: tuple[str, ...] = ()
    packs: tuple[str, ...] = ("comfy-core",)


_OVERRIDDEN = subgraph(
    "5a1b", ["unet_name", "vae_name"],
    loader(1, "UNETLoader", "diffusion_models", "slow.safetensors", "default", inputs=[widget_input("unet_name", 0)]),
    loader(2, "VAELoader", "vae", "v.safetensors", inputs=[widget_input("vae_name", 1)]),
)  # fmt: skip
_OUTER = subgraph("0ute", ["model"], node(7, "5a1b", "inner.safetensors", "v.safetensors",
                                          inputs=[widget_input("unet_name", 0)]))  # fmt: skip
SHAPES: dict[str, Shape] = {
    "checkpoint": Shape(
        graph(loader(1, "CheckpointLoaderSimple", "checkpoints", "sd.safetensors"), node(2, "KSampler", 1)),
        ("checkpoints/sd.safetensors",),
    ),
    "three loaders and a LoRA": Shape(
        graph(
            loader(1, "UNETLoader", "diffusion_models", "u.safetensors", "default"),
            loader(2, "CLIPLoader", "text_encoders", "c.safetensors", "wan", "default"),
            loader(3, "VAELoader", "vae", "v.safetensors"),
            loader(4, "LoraLoaderModelOnly", "loras", "l.safetensors", 1),
        ),
        ("diffusion_models/u.safetensors", "text_encoders/c.safetensors", "vae/v.safetensors", "loras/l.safetensors"),
    ),
    "two encoders in one loader": Shape(
        graph(node(1, "DualCLIPLoader", "a.safetensors", "b.safetensors", "flux", "default",
                   models=[entry("text_encoders", "a.safetensors"), entry("text_encoders", "b.safetensors")])),
        ("text_encoders/a.safetensors", "text_encoders/b.safetensors"),
    ),
    "two folders in one loader": Shape(
        graph(node(1, "LTXAVTextEncoderLoader", "g.safetensors", "x.safetensors", "default",
                   models=[entry("text_encoders", "g.safetensors"), entry("checkpoints", "x.safetensors")])),
        ("text_encoders/g.safetensors", "checkpoints/x.safetensors"),
    ),
    "no addresses": Shape(
        graph(node(1, "UNETLoader", "u.safetensors", "default"), node(2, "UpscaleModelLoader", "4x.pth"),
              node(3, "CLIPVisionLoader", "cv.safetensors"), node(4, "StyleModelLoader", "s.safetensors")),
        ("diffusion_models/u.safetensors", "upscale_models/4x.pth", "clip_vision/cv.safetensors",
         "style_models/s.safetensors"),
        without=("u.safetensors", "4x.pth", "cv.safetensors", "s.safetensors"),
    ),
    "a subgraph whose instance chooses another file": Shape(
        graph(node(9, "5a1b", "fast.safetensors", "v.safetensors"), subgraphs=[_OVERRIDDEN]),
        ("diffusion_models/fast.safetensors", "vae/v.safetensors"), without=("fast.safetensors",),
    ),
    "an instance whose values cannot be told apart": Shape(
        graph(node(9, "5a1b", "x", "y", "fast.safetensors"), subgraphs=[_OVERRIDDEN]),
        ("diffusion_models/slow.safetensors", "vae/v.safetensors", "fast.safetensors"), without=("fast.safetensors",),
    ),
    "an instance with a seed's second value": Shape(
        graph(node(9, "5a1b", 7, "fixed", "fast.safetensors", "v.safetensors"), subgraphs=[_OVERRIDDEN]),
        ("diffusion_models/fast.safetensors", "vae/v.safetensors"), without=("fast.safetensors",),
    ),
    "a subgraph in a subgraph": Shape(
        graph(node(8, "0ute", "outer.safetensors"), subgraphs=[_OVERRIDDEN, _OUTER]),
        ("diffusion_models/outer.safetensors", "vae/v.safetensors"), without=("outer.safetensors",),
    ),
    "a file that a node of unknown folders names, too": Shape(
        graph(node(1, "VAELoader", "v.safetensors"), node(2, "Someone's", "v.safetensors", "w.safetensors")),
        ("vae/v.safetensors", "w.safetensors"), without=("v.safetensors", "w.safetensors"),
    ),
    "muted and bypassed nodes": Shape(
        graph(loader(1, "VAELoader", "vae", "v.safetensors"),
              loader(2, "UNETLoader", "diffusion_models", "muted.safetensors", mode=2),
              loader(3, "UNETLoader", "diffusion_models", "bypassed.safetensors", mode=4),
              node(4, "5a1b", "a.safetensors", "b.safetensors", mode=4), subgraphs=[_OVERRIDDEN]),
        ("vae/v.safetensors",),
    ),
    "an address of a file that is not chosen any more": Shape(
        graph(node(1, "VAELoader", "new.safetensors", models=[entry("vae", "old.safetensors")])),
        ("vae/new.safetensors",), without=("new.safetensors",),
    ),
    "a node of another origin": Shape(
        graph(node(1, "UnetLoaderGGUF", "u.gguf", properties={"cnr_id": "ComfyUI-GGUF", "ver": "1.1.0"}),
              node(2, "ImageResizeKJ", 8, properties={"cnr_id": None, "aux_id": "kijai/ComfyUI-KJNodes"}),
              node(3, "MarkdownNote", "see x.safetensors", properties={"cnr_id": None})),
        ("diffusion_models/u.gguf",), without=("u.gguf",), packs=("comfyui-gguf", "kijai/ComfyUI-KJNodes"),
    ),
    "rgthree's LoRAs": Shape(
        graph(node(1, "Power Lora Loader (rgthree)", {}, {"type": "Header"}, {"on": True, "lora": "a.safetensors"},
                   {"on": False, "lora": "b.safetensors"}, properties={"cnr_id": "rgthree-comfy"})),
        ("loras/a.safetensors",), without=("a.safetensors",), packs=("rgthree-comfy",),
    ),
    "the API's format": Shape(
        {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub\\sd.safetensors"}},
         "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "l.safetensors", "model": ["1", 0]}},
         "3": {"class_type": "Someone's", "inputs": {"clip_name1": "c.safetensors", "text": "a.safetensors is\nfine"}}},
        ("checkpoints/sub/sd.safetensors", "loras/l.safetensors", "text_encoders/c.safetensors"),
        without=("sub/sd.safetensors", "l.safetensors", "c.safetensors"),
        packs=("CheckpointLoaderSimple", "LoraLoader", "Someone's"),
    ),
    "the body of POST /prompt": Shape(
        {"client_id": "x", "prompt": {"1": {"class_type": "VAELoader", "inputs": {"vae_name": "v.safetensors"}}}},
        ("vae/v.safetensors",), without=("v.safetensors",), packs=("VAELoader",),
    ),
    "no models": Shape(graph(node(1, "GeminiNode", "hello")), ()),
    "nothing at all": Shape(graph(), (), packs=()),
}  # fmt: skip
