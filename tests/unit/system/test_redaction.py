"""What is taken out of a text, and what stays."""

import pytest

from entrypoint.system.redaction import Redactor

KNOWN = Redactor(["s3cret/with+signs", "abc", ""])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is s3cret/with+signs, twice s3cret/with+signs", "it is [secret], twice [secret]"),
        ("xs3cret/with+signsx", "x[secret]x"),
        ("abc, abcd, cab", "[secret], abcd, cab"),  # a short one is a whole word only
        ("GET /lab?token=0123456789&x=1", "GET /lab?token=[secret]&x=1"),
        ("?a=1&api_key=zzz HTTP", "?a=1&api_key=[secret] HTTP"),
        ("password=hunter2", "password=[secret]"),
        ("Authorization: Bearer x", "Authorization: [secret]"),
        ('"Bearer abcdefghijklmnop"', '"Bearer [secret]"'),
        ("clone https://me:pass@example.com/x", "clone https[secret]@example.com/x"),
        ("hf_abcdefghijklmnopqrstuvwxyz", "[secret]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz", "[secret]"),
        ("a token bucket", "a token bucket"),
        ("Total 12 tokens=5", "Total 12 tokens=5"),
        ("http://localhost:8189/lab", "http://localhost:8189/lab"),
        ("loaded model t5xxl_fp8_e4m3fn.safetensors", "loaded model t5xxl_fp8_e4m3fn.safetensors"),
    ],
)
def test_text(text: str, shown: str) -> None:
    assert KNOWN.text(text) == shown.replace("https[secret]", "https://[secret]")


def test_every_text_in_a_tree() -> None:
    assert KNOWN.tree({"a": ["abc", 1, None, ("abc",)], "b": 1.5}) == {
        "a": ["[secret]", 1, None, ["[secret]"]],
        "b": 1.5,
    }


def test_knowing_nothing_hides_nothing() -> None:
    assert Redactor([]).text("plain") == "plain"
