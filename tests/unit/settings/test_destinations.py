"""OUTPUTS_TO and the addresses of webhooks."""

from __future__ import annotations

import pytest

from entrypoint.settings.destinations import Destination, destination, webhook


@pytest.mark.parametrize(
    ("text", "found", "address"),
    [
        ("s3://bucket", Destination("s3", "", "bucket"), "s3://bucket/a.png"),
        ("s3://bucket/my renders/", Destination("s3", "", "bucket/my renders"), "s3://bucket/my renders/a.png"),
        ("drive:", Destination("rclone", "drive", ""), "drive:a.png"),
        ("my-box.2:ComfyUI/out/", Destination("rclone", "my-box.2", "ComfyUI/out"), "my-box.2:ComfyUI/out/a.png"),
        ("nas:/", Destination("rclone", "nas", "/"), "nas://a.png"),
        ("hf://datasets/me/out/x", Destination("hf", "", "datasets/me/out/x"), "hf://datasets/me/out/x/a.png"),
    ],
)
def test_a_destination_is_parsed_and_has_addresses(text: str, found: Destination, address: str) -> None:
    assert destination(text) == found
    assert found.address_of("a.png") == address


@pytest.mark.parametrize(
    "text",
    ["", "s3://", "s3://b", "s3://-bucket/x", "s3://bucket/../other", "hf://me", "hf://datasets/me", "gs://bucket/x",
     "/workspace/out", "C:\\out", "c:x", ":s3,access_key_id=AK,secret_access_key=x:bucket", "-flag:x", "a b:x",
     "https://bucket.example/x", "drive:a\nb", "drive:" + "x" * 2000],
)  # fmt: skip
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        destination(text)


@pytest.mark.parametrize("text", ["https://a.example/hook?key=x", "http://127.0.0.1:8000/", "https://[::1]:1/x"])
def test_a_webhook_is_a_web_address(text: str) -> None:
    assert webhook(text) == text


@pytest.mark.parametrize(
    "text", ["a.example/hook", "ftp://a/x", "https://me:pw@a.example/x", "https://a b/x", "https://", "https://a:0/x",
             "https://a:99999/", "http://[::1/x", "https://a/\u00e9"],
)  # fmt: skip
def test_another_text_is_no_webhook(text: str) -> None:
    with pytest.raises(ValueError, match="must be an https:// address"):
        webhook(text)
