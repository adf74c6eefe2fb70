"""The manifest: what can be used, and the one line that says what cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entrypoint.models.catalogue import manifest
from entrypoint.models.catalogue.manifest import BadManifest, Manifest, parse
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.registry import SOURCES, Sources, configured, source_of
from entrypoint.settings.settings import Settings
from tests.support.checkout import ROOT

CATALOGUE = Path(manifest.__file__).parent / "catalogue.toml"
RECORDED = [
    line.split("\t")
    for line in (Path(__file__).parent / "recorded_requests.tsv").read_text().splitlines()
    if not line.startswith("#")
]
GOOD = """schema = 1
[bundles.MINE]
about = "x"

[[files]]
bundle = "MINE"
source = "url"
url = "https://example.com/a.bin"
dest = "loras/a.bin"

[[files]]
bundle = "MINE"
source = "huggingface"
repo_id = "a/b"
path = "c/d e.bin"
dest = "loras/b.bin"
"""


def address_of(file: File, sources: Sources = SOURCES) -> str:
    return source_of(file, sources).address(file)


def catalogue() -> Manifest:
    return parse(CATALOGUE.read_text(), "catalogue.toml")


def test_the_catalogue_has_every_recorded_file_and_no_other() -> None:
    files = [file for bundle in catalogue().bundles for file in bundle.files]
    assert len(RECORDED) == 47
    assert len(catalogue().bundles) == 14
    assert sorted((file.bundle, file.dest_root, file.dest, address_of(file)) for file in files) == sorted(
        tuple(row) for row in RECORDED
    )


def test_the_catalogue_begins_with_the_core() -> None:
    assert catalogue().bundles[0].name == "WAN_CORE"
    assert catalogue().bundles[0].implies == ("CLIP", "VAE", "LORAS", "UPSCALE")
    assert [bundle.name for bundle in catalogue().bundles if not bundle.default] == ["FLUX"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("schema = 1", "schema = 2", 1, "schema must be 1"),
        ('about = "x"', "about = 1", 3, "bundles.MINE.about must be text"),
        ('about = "x"', "default = 1", 3, "bundles.MINE.default must be true or false"),
        ('about = "x"', "default = 'true'", 3, "bundles.MINE.default must be true or false"),
        ('about = "x"', "implies = ['NO']", 3, "bundles.MINE.implies 'NO' is no bundle"),
        ('about = "x"', "size_gb = -1", 3, "bundles.MINE.size_gb must be"),
        ('about = "x"', "colour = 1", 3, "bundles.MINE.colour is not a key here; known are about"),
        ("[bundles.MINE]", "[bundles.mine]", 2, "bundles.mine a bundle's name must be"),
        ('source = "url"', 'source = "ftp"', 7, "files[0].source must be huggingface or"),
        ('url = "https://example.com/a.bin"\n', "", 5, "files[0].url is missing"),
        ("https://example.com", "https://me:pw@example.com", 8, "files[0].url must be an http(s) address"),
        ('dest = "loras/a.bin"', 'dest = "../a.bin"', 9, "files[0].dest must be a path below"),
        ('dest = "loras/a.bin"', 'dest = "/a.bin"', 9, "files[0].dest must be a path below"),
        ('dest = "loras/a.bin"', 'dest = "x/.hidden"', 9, "files[0].dest must be a path below"),
        ('dest = "loras/b.bin"', 'dest = "loras/a.bin"', 16, "files[1].dest is the destination of another"),
        ('repo_id = "a/b"', 'repo_id = "a b"', 14, "files[1].repo_id must be owner/name"),
        ('repo_id = "a/b"', 'repo_id = "a/b"\nsha256 = "AB"', 15, "files[1].sha256 must be 64"),
        ('repo_id = "a/b"', 'repo_id = "a/b"\nsize = 1.5', 15, "files[1].size must be a whole number"),
        ('repo_id = "a/b"', 'repo_id = "a/b"\nsize = true', 15, "files[1].size must be a whole number"),
        ('repo_id = "a/b"', 'repo_id = "a/b"\nurl = "https://x/"', 15, "files[1].url is not a key here"),
        ('bundle = "MINE"', 'bundle = "NO"', 6, "files[0].bundle 'NO' is no bundle"),
    ],
)  # fmt: skip
def test_an_error_names_its_line_and_key(old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    with pytest.raises(BadManifest) as caught:
        parse(GOOD.replace(old, new, 1), "mine.toml")
    assert str(caught.value).startswith(f"cannot use mine.toml, line {line}: {words}")
    assert "\n" not in str(caught.value)


PASTED = 'schema = 1\n[bundles.A]\n[[files]]\nbundle = "A"\ndest = "loras/a"\nurl = "{}"\n'


@pytest.mark.parametrize(
    ("url", "source", "keys"),
    [
        ("https://huggingface.co/o/r/blob/main/x.pt", "huggingface", {"repo_id": "o/r", "path": "x.pt"}),
        ("hf://o/r@v1/x.pt", "huggingface", {"repo_id": "o/r", "path": "x.pt", "revision": "v1"}),
        ("https://civitai.com/models/1/x?modelVersionId=2", "civitai", {"version_id": "2"}),
        ("https://www.dropbox.com/s/1/x.pt?dl=0", "url", {"url": "https://www.dropbox.com/s/1/x.pt?dl=1"}),
    ],
)
def test_an_address_without_a_source_is_read_as_people_copy_it(url: str, source: str, keys: dict[str, str]) -> None:
    (file,) = parse(PASTED.format(url), "x").bundles[0].files
    assert (file.source, dict(file.keys)) == (source, keys)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://huggingface.co/o/r", "it is a repository, not a file"),
        ("https://drive.google.com/file/d/1", "Google Drive has no address"),
        ("https://huggingface.co/o/r/blob/main/../x.pt", "path must be a path inside the repository"),
    ],
)
def test_an_address_without_a_source_that_is_no_file_says_why(url: str, words: str) -> None:
    with pytest.raises(BadManifest, match=words):
        parse(PASTED.format(url), "x")


def test_a_toml_error_names_its_line() -> None:
    with pytest.raises(BadManifest, match=r"mine\.toml: not TOML: .*line 2"):
        parse("schema = 1\nfoo bar\n", "mine.toml")


def test_own_bundles_come_behind_the_catalogue_and_replace_by_name() -> None:
    own = parse(GOOD.replace("MINE", "VAE"), "mine.toml")
    names = [bundle.name for bundle in own.behind(catalogue()).bundles]
    assert names[0] == "WAN_CORE"
    assert names[-1] == "VAE"
    assert names.count("VAE") == 1


def test_a_path_is_quoted_and_the_hub_can_be_another() -> None:
    file = parse(GOOD, "mine.toml").bundles[0].files[1]
    assert address_of(file) == "https://huggingface.co/a/b/resolve/main/c/d%20e.bin"
    assert (
        address_of(file, configured(Settings(hf_endpoint="http://mirror:1/")))
        == "http://mirror:1/a/b/resolve/main/c/d%20e.bin"
    )


def test_the_example_in_the_docs_is_a_manifest() -> None:
    page = (ROOT / "docs/models.md").read_text()
    (example,) = re.findall(r"(?s)```toml\n(.*?)```", page)
    manifest = parse(example, "docs/models.md")
    dests = [file.dest for file in manifest.bundles[0].files]
    assert dests == ["loras/style.safetensors", "loras/other.safetensors"]
    assert manifest.extends_catalogue


def _manifest(*places: str) -> str:
    files = (
        f'[[files]]\nbundle = "A"\nsource = "url"\nurl = "https://h/{number}"\ndest = "{place}"\n'
        for number, place in enumerate(places)
    )
    return "schema = 1\n[bundles.A]\n" + "".join(files)


@pytest.mark.parametrize(
    "places", [("loras/x", "loras/x/y"), ("loras/x/y/z", "loras/x"), ("checkpoints/x", "checkpoint_models/x/y")]
)
def test_a_destination_below_another_is_refused(places: tuple[str, ...]) -> None:
    with pytest.raises(BadManifest, match="below the destination of another file"):
        parse(_manifest(*places), "m")


def test_a_common_folder_or_beginning_is_none() -> None:
    assert len(parse(_manifest("loras/x", "loras/xy/z", "loras/xy/w"), "m").bundles[0].files) == 3


@pytest.mark.parametrize("folder", ["checkpoints", "checkpoint_models"])
def test_an_own_file_replaces_the_catalogues_of_the_same_destination(folder: str) -> None:
    def manifest(bundle: str, folder: str, site: str) -> Manifest:
        return parse(
            f"schema = 1\n[bundles.{bundle}]\n[[files]]\nbundle = '{bundle}'\nsource = 'url'\n"
            f"url = 'https://{site}/x'\ndest = '{folder}/x'\n",
            "here",
        )

    merged = manifest("MINE", folder, "own.example").behind(manifest("THEIRS", "checkpoints", "site.example"))
    found = {each.name: each.files for each in merged.bundles}
    assert list(found) == ["THEIRS", "MINE"]
    assert [(file.bundle, file.keys["url"]) for files in found.values() for file in files] == [
        ("THEIRS", "https://own.example/x"), ("MINE", "https://own.example/x"),
    ]  # fmt: skip
