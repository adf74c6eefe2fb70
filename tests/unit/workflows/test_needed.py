"""What a workflow names: every shape of ComfyUI's templates, and names that lead elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrypoint.workflows.document import NotAWorkflow, parse
from entrypoint.workflows.needed import MOST_MODELS, Model, Pack, needed_models, needed_packs
from tests.support.workflows.shapes import HUB, SHA256, SHAPES, Shape, entry, graph, node


def models_of(content: Any) -> list[Model]:
    return needed_models(parse(json.dumps(content).encode()))


def packs_of(*properties: dict[str, Any]) -> list[Pack]:
    nodes = [node(number, f"Kind{number}", properties=each) for number, each in enumerate(properties)]
    return needed_packs(parse(json.dumps(graph(*nodes)).encode()))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_models_and_packs_of_every_shape(shape: Shape) -> None:
    workflow = parse(json.dumps(shape.content).encode())
    models, packs = needed_models(workflow), needed_packs(workflow)
    assert sorted(model.dest for model in models) == sorted(shape.models)
    assert sorted(model.name for model in models if not model.url) == sorted(shape.without)
    assert sorted(pack.label for pack in packs) == sorted(shape.packs)
    assert [each for each in models if each.problem] == []
    assert [each for each in packs if each.problem] == []
    assert workflow.notes == []


@pytest.mark.parametrize(
    ("name", "directory", "words"),
    [
        ("../x.safetensors", "vae", "its name must be a path below the models folder"),
        ("..\\..\\x.safetensors", "vae", "its name must be a path below the models folder"),
        ("/etc/x.safetensors", "vae", "its name must be a path below the models folder"),
        ("C:\\x.safetensors", "../../custom_nodes", "its folder '../../custom_nodes' must be a path"),
        ("x.safetensors", "/etc", "its folder '/etc' must be a path"),
        ("x.safetensors", ".hidden", "its folder '.hidden' must be a path"),
        ("a\x1b[31m.safetensors", "vae", "its name must be a path"),
        ("a\0.safetensors", "vae", "its name must be a path"),
        ("\ud800.safetensors", "vae", "its name must be a path"),
        ("-rf.safetensors", "vae", "its name must be a path"),
        ("ä" * 200 + ".safetensors", "vae", "its name has more than 255 bytes"),
        ("x.py", "vae", "its name must end like a model's"),
        ("x.zip", "vae", "its name must end like a model's"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, directory: str, words: str) -> None:
    """Also where no widget has it."""
    for values in ([name], []):
        found = models_of(graph(node(1, "VAELoader", *values, models=[entry(directory, name)])))
        assert [words in model.problem for model in found] == [True], found


@pytest.mark.parametrize(
    ("models", "notes"),
    [
        (5, 1), ("x", 1), ({}, 1), ([], 0), ([None], 1), ([{"name": 5}], 1), ([{"name": "x.pt", "directory": 5}], 1),
        ([entry("vae", "x.pt", hash=5)], 1), ([entry("vae", "x.pt", hash="zz")], 1), ([entry("vae", "x.pt", url=5)], 0),
        ([entry("vae", "x.pt", hash=SHA256, hash_type=5)], 0), ([{"name": "x.pt"}], 0),
    ],
)  # fmt: skip
def test_a_wrong_type_is_a_note(models: Any, notes: int) -> None:
    workflow = parse(json.dumps(graph(node(1, "VAELoader", "x.pt", models=models))).encode())
    assert [model.dest for model in needed_models(workflow)] == ["vae/x.pt"]
    assert len(workflow.notes) == notes
    assert all(note.isprintable() for note in workflow.notes)


def test_the_hash_counts_where_it_is_a_sha256() -> None:
    for kind, digest in (("SHA256", SHA256), ("sha256", SHA256), ("MD5", "")):
        content = graph(
            node(1, "VAELoader", "x.pt", models=[entry("vae", "x.pt", hash=SHA256.upper(), hash_type=kind)])
        )
        assert models_of(content)[0].sha256 == digest


def test_a_model_in_a_subfolder_has_the_address_of_its_name() -> None:
    content = graph(node(1, "LoraLoader", "wan\\x.safetensors", models=[entry("loras", "x.safetensors")]))
    assert [(model.dest, model.url) for model in models_of(content)] == [
        ("loras/wan/x.safetensors", f"{HUB}/x.safetensors?download=true")
    ]


def test_former_names_of_folders_are_the_current_ones() -> None:
    content = graph(
        node(1, "X", models=[entry("unet", "u.gguf"), entry("clip", "c.pt"), entry("ipadapter/sub", "i.pt")])
    )
    assert [model.dest for model in models_of(content)] == [
        "diffusion_models/u.gguf", "text_encoders/c.pt", "ipadapter/sub/i.pt"
    ]  # fmt: skip


def test_too_many_models_are_refused() -> None:
    nodes = [node(number, "VAELoader", f"{number}.pt") for number in range(MOST_MODELS + 1)]
    assert len(models_of(graph(*nodes[:-1]))) == MOST_MODELS
    with pytest.raises(NotAWorkflow, match="more than 1000 models"):
        models_of(graph(*nodes))


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"cnr_id": "ComfyUI-GGUF", "ver": "1.1.0"}, ("comfyui-gguf", "", "1.1.0", "")),
        ({"cnr_id": "x", "ver": "v2.0"}, ("x", "", "2.0", "")),
        ({"cnr_id": "x", "ver": "nightly"}, ("x", "", "", "")),
        ({"cnr_id": "x", "ver": 5}, ("x", "", "", "")),
        ({"cnr_id": "x", "ver": "1.0; rm -rf /"}, ("x", "", "", "")),
        ({"cnr_id": None, "aux_id": "https://github.com/o/n.git", "ver": "0123abc"}, ("", "o/n", "0123abc", "")),
        ({"cnr_id": "--upload-pack=x"}, ("--upload-pack=x", "", "", "is no name of ComfyUI's registry")),
        ({"cnr_id": None, "aux_id": "/etc/node"}, ("", "etc/node", "", "")),
        ({"cnr_id": None, "aux_id": "../../x"}, ("", "../../x", "", "must be OWNER/NAME at GitHub")),
        ({"cnr_id": None, "aux_id": "https://evil.example/o/n"}, ("", "https://evil.example/o/n", "", "must be OWNER")),
        ({"cnr_id": None, "aux_id": "-x/n"}, ("", "-x/n", "", "")),
    ],
)
def test_where_a_pack_is_from(properties: dict[str, Any], expected: tuple[str, str, str, str]) -> None:
    (pack,) = packs_of({"ver": "", **properties})
    assert (pack.registry, pack.repository, pack.version) == expected[:3]
    assert (expected[3] in pack.problem) if expected[3] else not pack.problem
