"""The manifest's text with a file more or less."""

from __future__ import annotations

import pytest

from entrypoint.models.catalogue.edit import NEW, files_of, with_file, without_file
from entrypoint.models.catalogue.manifest import BadManifest, parse

TEXT = """# mine
schema = 1   # the format

[bundles.MINE]
about = "x"

# the first
[[files]]
bundle = "MINE"
source = "url"
url = "https://example.com/a"
dest = "loras/a"
# a word about the second
[[files]]
bundle = "MINE"
source = "url"
url = "https://example.com/b"
dest = "loras/b"
"""


def test_the_users_text_stays() -> None:
    more = with_file(TEXT, "x", "OTHER", {"source": "url", "url": "https://example.com/c", "dest": "loras/c"})
    assert more.startswith(TEXT)
    (file,) = [file for bundle in parse(more, "x").bundles if bundle.name == "OTHER" for file in bundle.files]
    back = without_file(more, "x", file)
    assert back.startswith(TEXT)
    assert "loras/c" not in back


def test_removing_a_file_leaves_the_next_ones_comment() -> None:
    first = parse(TEXT, "x").bundles[0].files[0]
    less = without_file(TEXT, "x", first)
    assert "loras/a" not in less
    assert "# mine\nschema = 1   # the format" in less
    assert "# a word about the second\n[[files]]" in less


@pytest.mark.parametrize(
    "text",
    [
        "schema = 1\nfiles = []\nbundles = { MINE = {} }\n",
        'schema = 1\n[bundles.MINE]\n[[files]]\nbundle = "MINE"\nsource = "url"\nurl = "https://e.com/c"\n'
        'dest = "loras/c"\n',
    ],
    ids=["inline", "the same place twice"],
)
def test_an_unsafe_addition_is_refused(text: str) -> None:
    with pytest.raises(BadManifest):
        with_file(text, "x", "MINE", {"source": "url", "url": "https://example.com/c", "dest": "loras/c"})


def test_an_inline_table_is_not_edited() -> None:
    file = 'bundle="MINE", source="url", url="https://e.com/c", dest="c"'
    text = f"schema = 1\nbundles = {{MINE = {{}}}}\nfiles = [{{{file}}}]\n"
    with pytest.raises(BadManifest, match="by hand"):
        without_file(text, "x", parse(text, "x").bundles[0].files[0])


def test_an_added_text_is_escaped() -> None:
    """Quotes and a letter beyond ASCII."""
    text = with_file(NEW, "x", "MINE", {"source": "url", "url": "https://e.com/c", "dest": 'loras/a "b" é c'})
    assert {file.dest for file in files_of(parse(text, "x"))} == {'loras/a "b" é c'}


def test_tables_that_others_separate_stay_where_they_are() -> None:
    """As `add` writes them, a bundle and its file after another: only the lines of the one file go."""
    keys = {"source": "url", "url": "https://example.com/c"}
    one = with_file(TEXT, "x", "OTHER", {**keys, "dest": "loras/c"})
    two = with_file(one, "x", "THIRD", {**keys, "dest": "loras/d"})
    assert two.startswith(one)
    first = parse(two, "x").bundles[0].files[0]
    less = without_file(two, "x", first)
    gone = [line for line in two.splitlines() if line not in less.splitlines()]
    assert gone == ['url = "https://example.com/a"', 'dest = "loras/a"']
