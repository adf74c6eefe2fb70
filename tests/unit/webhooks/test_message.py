"""Bodies and headers of webhooks."""

from __future__ import annotations

import json

import pytest

from entrypoint.webhooks.message import body, headers, identity_of, key_of, targets


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's own libraries (standard-webhooks/libraries/python/tests)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', secret)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert found["webhook-timestamp"] == "1614265330"
    assert "webhook-signature" not in headers("msg_x", 1, b"", "")


@pytest.mark.parametrize(("secret", "key"), [("whsec_aGk=", b"hi"), ("whsec_***", b"whsec_***"), ("plain", b"plain")])
def test_a_secret_is_base64_behind_its_prefix_or_any_text(secret: str, key: bytes) -> None:
    assert key_of(secret) == key


def test_a_body_says_what_happened_when_and_where() -> None:
    found = json.loads(body("idle.countdown", 1795673225.5, "pod1", {"name": "\u732b\ud800"}))
    assert found == {
        "type": "idle.countdown", "timestamp": "2026-11-26T06:07:05.500Z", "pod": "pod1", "data": {"name": "\u732b?"},
    }  # fmt: skip


def test_the_same_event_has_the_same_id() -> None:
    assert identity_of("a", "b") == identity_of("a", "b") != identity_of("ab")
    assert "." not in identity_of("a.b")


@pytest.mark.parametrize(
    ("kind", "to"),
    [("prompt.finished", ("ON_DONE",)), ("prompt.interrupted", ("ON_DONE",)),
     ("prompt.failed", ("ON_DONE", "ON_PROBLEM")), ("condition.raised", ("ON_PROBLEM",)), ("idle.x", ("ON_PROBLEM",))],
)  # fmt: skip
def test_an_event_goes_where_it_is_asked_for(kind: str, to: tuple[str, ...]) -> None:
    assert targets(kind) == to
