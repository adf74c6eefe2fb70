"""Which files of a listing are taken, and where they go: the names are another person's."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.edit import NEW, with_file
from entrypoint.models.catalogue.manifest import parse
from entrypoint.models.sources.base import Listed, Listing, NotAnAddress
from entrypoint.models.sources.selection import MOST_FILES, destinations, select, table


def listing(*paths: str, name: str = "r", words: str = "o/r") -> Listing:
    files = [Listed(path, {"source": "huggingface", "repo_id": "o/r", "path": path}, 10**9) for path in paths]
    return Listing(files, name, words)


def dests(*paths: str, include: tuple[str, ...] = (), wanted: str = "", words: str = "o/r") -> list[str]:
    found = listing(*paths, words=words)
    return sorted(each["dest"] for each in destinations(select(found, include), found, wanted))


@pytest.mark.parametrize(
    ("paths", "include", "wanted", "expected"),
    [
        (("README.md", ".gitattributes", "vae/x.safetensors", "config.json"), (), "", ["vae/x.safetensors"]),
        (("split_files/vae/a.safetensors", "split_files/loras/b.safetensors", "LICENSE.txt"), (), "",
         ["loras/b.safetensors", "vae/a.safetensors"]),
        (("a.gguf", "b.gguf", "c.txt"), ("*A.gguf",), "", ["diffusion_models/a.gguf"]),
        (("a.safetensors", "notes.txt"), ("notes.txt",), "loras/", ["loras/notes.txt"]),
        (("a.safetensors",), (), "loras/", ["loras/a.safetensors"]),
        (("a.safetensors",), (), "loras/mine.safetensors", ["loras/mine.safetensors"]),
        (("a_fp8.pt", "a_fp16.pt", "b.pt"), ("*fp*", "!*16*"), "vae/", ["vae/a_fp8.pt"]),
        (("a_fp8.pt", "a_fp16.pt", "b.txt"), ("!*16*",), "vae/", ["vae/a_fp8.pt"]),
        # The same weights as pickles.
        (("x.safetensors", "x.bin", "x.ckpt", "y.pth"), (), "vae/", ["vae/x.safetensors", "vae/y.pth"]),
        (("model.safetensors", "pytorch_model.bin", "tf_model.h5"), (), "clip/", ["clip/model.safetensors"]),
        # A pipeline keeps its folders; what stands beside them is the same model again.
        (("model_index.json", "vae/config.json", "vae/x.safetensors", "unet/x.safetensors", "unet/x.bin",
          "flux.safetensors", "README.md", "tokenizer/vocab.txt", "a.png"), (), "",
         ["diffusers/r/model_index.json", "diffusers/r/tokenizer/vocab.txt", "diffusers/r/unet/x.safetensors",
          "diffusers/r/vae/config.json", "diffusers/r/vae/x.safetensors"]),
        (("model_index.json", "vae/x.safetensors", "flux.safetensors"), ("flux*",), "checkpoints/",
         ["checkpoints/flux.safetensors"]),
        # Parts stay together, with what describes them.
        (("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
          "model.safetensors.index.json", "README.md"), (), "LLM/",
         ["LLM/r/config.json", "LLM/r/model-00001-of-00002.safetensors", "LLM/r/model-00002-of-00002.safetensors",
          "LLM/r/model.safetensors.index.json"]),
        # Two of one name.
        (("high/x.safetensors", "low/x.safetensors", "y.safetensors"), (), "loras/",
         ["loras/r/high/x.safetensors", "loras/r/low/x.safetensors", "loras/y.safetensors"]),
        (("high/x.pt", "low/x.pt"), (), "loras/wan/", ["loras/wan/r/high/x.pt", "loras/wan/r/low/x.pt"]),
        (("X.safetensors", "x.safetensors"), (), "loras/", ["loras/r/X.safetensors"]),
    ],
)  # fmt: skip
def test_what_is_taken(paths: tuple[str, ...], include: tuple[str, ...], wanted: str, expected: list[str]) -> None:
    assert dests(*paths, include=include, wanted=wanted) == expected


HOSTILE = [
    "../x.safetensors", "../../custom_nodes/x.safetensors", "a/../../x.safetensors", "/etc/x.safetensors",
    "//h/x.safetensors", "a//x.safetensors", "..\\x.safetensors", "C:\\x.safetensors", "c:x.safetensors",
    "x" * 300 + ".safetensors", "\u4e2d" * 90 + ".safetensors", "a\x1b[2Jx.safetensors", "a\nx.safetensors",
    "a\0x.safetensors", "a\u202ex.safetensors", "CON.safetensors", "aux/x.safetensors", "NUL", "com1.pt", "-rf.pt",
    ".x.safetensors", ".ssh/x.safetensors", "x.safetensors ", "x./y.safetensors", "", ".", "..", "a/", "/",
    "\ud800.safetensors", "~/x.safetensors/..",
]  # fmt: skip


@pytest.mark.parametrize("include", [(), ("*",)])
@pytest.mark.parametrize("path", HOSTILE, ids=ascii)
def test_a_hostile_name_is_left_out_and_the_good_one_taken(path: str, include: tuple[str, ...]) -> None:
    found = listing(path, "good.safetensors")
    selection = select(found, include)
    assert [each["dest"] for each in destinations(selection, found, "vae/")] == ["vae/good.safetensors"]
    assert all(note.isprintable() for note in selection.notes)
    with pytest.raises(NotAnAddress) as caught:
        select(listing(path), include)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["..", "../../x", "/x", "", "a\x1bb"])
def test_a_hostile_name_of_the_repository_is_no_folder(name: str) -> None:
    found = listing("a-00001-of-00002.pt", "a-00002-of-00002.pt", name=name)
    with pytest.raises(NotAnAddress, match="no path below the models folder"):
        destinations(select(found), found, "vae/")


@pytest.mark.parametrize(
    ("paths", "include", "words"),
    [
        (("README.md", "a.png"), (), "it has no model files; it has README.md, a.png"),
        ((), (), "it is empty"),
        (("a.pt",), ("*.gguf",), r"no file of it matches \*\.gguf; it has a\.pt"),
        (tuple(f"{number}.pt" for number in range(MOST_FILES + 1)), (), "more than 1000 files: choose some"),
    ],
)
def test_nothing_to_take_says_what_there_is(paths: tuple[str, ...], include: tuple[str, ...], words: str) -> None:
    with pytest.raises(NotAnAddress, match=words):
        select(listing(*paths), include)


@pytest.mark.parametrize(
    ("paths", "wanted", "words"),
    [
        (("x.safetensors",), "", "cannot tell the kind of model: give --dest FOLDER/"),
        (("a-00001-of-00002.pt", "a-00002-of-00002.pt"), "", "give --dest FOLDER/"),
        (("a.pt", "b.pt"), "loras/x.pt", "it has 2 files: end --dest with a slash"),
        (("a.pt", "b.pt"), "../", "no path below the models folder"),
    ],
)
def test_where_it_goes_has_to_be_said(paths: tuple[str, ...], wanted: str, words: str) -> None:
    found = listing(*paths)
    with pytest.raises(NotAnAddress, match=words):
        destinations(select(found), found, wanted)


def test_parts_and_pipelines_are_one_choice_each_with_their_size() -> None:
    found = select(listing("b.pt", "a-00001-of-00002.pt", "a-00002-of-00002.pt"))
    assert table(found) == ["     2.0 GB  a-*.pt (2 parts)", "     1.0 GB  b.pt"]
    (unit,) = select(listing("model_index.json", "vae/x.pt", "unet/x.pt")).units
    assert (unit.name, unit.size) == ("r (a pipeline of 3 files)", 3 * 10**9)
    assert table(select(listing(*(f"{number:03}.pt" for number in range(60)))))[-1] == "  and 20 more"


def test_every_destination_is_one_that_a_manifest_takes() -> None:
    found, text = listing("model_index.json", "vae/x y.safetensors", "unet/a.json"), NEW
    for keys in destinations(select(found), found, ""):
        text = with_file(text, "x", "MINE", keys)
    assert len(parse(text, "x").bundles[0].files) == 3
