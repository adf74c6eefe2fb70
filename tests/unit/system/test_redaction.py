"""Secrets removed from a text, and what stays."""

import pytest

from entrypoint.system.redaction import Redactor, without_queries

KNOWN = Redactor(["s3cret/with+signs", "abc", ""])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is s3cret/with+signs, twice s3cret/with+signs", "it is [secret], twice [secret]"),
        ("xs3cret/with+signsx", "x[secret]x"),
        ("abc, abcd, cab", "[secret], abcd, cab"),  # a short one is a whole word only
        ("GET /lab?token=0123456789&x=1", "GET /lab?token=[secret]&x=1"),
        ("?a=1&api_key=zzz HTTP", "?a=1&api_key=[secret] HTTP"),
        ("GET /x?%74oken=0123456789 HTTP", "GET /x?token=[secret] HTTP"),
        ("GET /x?a=1&%2574oken=0123456789&b=%20", "GET /x?a=1&token=[secret]&b=%20"),
        ("GET /x/s3cret%2Fwith%2bs%69gns HTTP", "GET /x/[secret] HTTP"),
        ("GET /x?%74oken=a%0aforged line", "GET /x?token=[secret]%0Aforged line"),
        ("100% of %s, %d%%", "100% of %s, %d%%"),
        ("run x --api-token abcdef", "run x --api-token [secret]"),
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
def test_secrets_are_removed_from_a_text(text: str, shown: str) -> None:
    assert KNOWN.text(text) == shown.replace("https[secret]", "https://[secret]")


def test_secrets_are_removed_from_every_text_in_a_tree() -> None:
    assert KNOWN.tree({"a": ["abc", 1, None, ("abc",)], "b": 1.5}) == {
        "a": ["[secret]", 1, None, ["[secret]"]],
        "b": 1.5,
    }


def test_without_known_secrets_a_text_stays() -> None:
    assert Redactor([]).text("plain") == "plain"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://h/m.toml?X-Amz-Signature=abc&b=2 now", "see https://h/m.toml?[secret] now"),
        ("MODELS_MANIFEST=https://h/m.toml?sig=x\n", "MODELS_MANIFEST=https://h/m.toml?[secret]\n"),
        ("HTTP://H/a?b, https://h/c", "HTTP://H/a?[secret] https://h/c"),
        ("is it right? https://h/", "is it right? https://h/"),
    ],
)
def test_the_queries_of_addresses_are_removed(text: str, shown: str) -> None:
    assert without_queries(text) == shown
