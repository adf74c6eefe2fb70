"""P: a webhook's body and headers, as Standard Webhooks 1.0.0 has them.

github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the signature is HMAC-SHA256 over
`id.timestamp.body`; the id stays the same over all attempts, the timestamp is the attempt's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from entrypoint.system.notify import is_address

_PREFIX = "whsec_"
DONE, PROBLEM = "ON_DONE", "ON_PROBLEM"


def body(kind: str, at: float, pod: str, data: Mapping[str, Any]) -> bytes:
    """The JSON text. `at`: when it happened, in seconds since 1970; `pod`: RunPod's id of the pod, else its name."""
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"type": kind, "timestamp": when, "pod": pod, "data": data}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def targets(kind: str) -> tuple[str, ...]:
    """Which addresses an event goes to: workflows to ON_DONE, failed ones to ON_PROBLEM, too, all else there alone."""
    if kind == "prompt.failed":
        return DONE, PROBLEM
    return (DONE,) if kind.startswith("prompt.") else (PROBLEM,)


def shown(to: str) -> str:
    """What may be told of where a letter goes: the path and the query of an address are secrets more often than not."""
    if not is_address(to):
        return to
    try:
        return f"the webhook of a job at {urlsplit(to).hostname}"
    except ValueError:
        return "the webhook of a job"


def headers(identity: str, at: int, content: bytes, secret: str) -> dict[str, str]:
    """The headers of an attempt at the time `at`; without a secret there is no signature."""
    found = {"Content-Type": "application/json", "webhook-id": identity, "webhook-timestamp": str(at)}
    if secret:
        signed = f"{identity}.{at}.".encode() + content
        digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        found["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return found


def key_of(secret: str) -> bytes:
    """The key: what `whsec_` and base64 stand for, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def identity_of(*parts: str) -> str:
    """An id that the same event always gets, so that a receiver can drop a second one. It has no dots (spec)."""
    return "msg_" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
