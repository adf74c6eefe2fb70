"""P: addresses that the pod sends things to: where outputs are delivered (OUTPUTS_TO), and webhooks."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

_FORM = "must be REMOTE:PATH of your rclone.conf, s3://BUCKET/PREFIX or hf://datasets/OWNER/NAME/PREFIX"
#: rclone.org/docs/#valid-remote-names, without its spaces; two characters at least: `C:` is a disk of Windows.
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]+")
#: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other stores also take capitals and _.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_HUB = re.compile(r"(?:datasets|models|spaces|buckets)/[\w.-]+/[\w.-]+(?:/.*)?")
_LONGEST = 1024


class Destination(NamedTuple):
    """Where outputs go. `kind`: `s3`, `hf`, or `rclone`; `remote`: the remote's name, "" for the others; `path`: the
    bucket or folder, without slashes around it."""

    kind: str
    remote: str
    path: str

    def address_of(self, name: str) -> str:
        """The address of a delivered file: `s3://bucket/prefix/a.png`, `remote:folder/a.png`."""
        scheme = f"{self.kind}://" if self.kind != "rclone" else f"{self.remote}:"
        return f"{scheme}{self.path}/{name}" if self.path else f"{scheme}{name}"


def destination(text: str) -> Destination:
    """Parse OUTPUTS_TO. Raises ValueError: what it must be."""
    if len(text) > _LONGEST or not text.isprintable():
        raise ValueError(_FORM)
    kind, scheme, rest = text.partition("://")
    path = rest.strip("/")
    if scheme and any(part in (".", "..") for part in path.split("/")):
        raise ValueError("must not have . or .. in its path")
    if scheme and kind == "s3" and _BUCKET.fullmatch(path.partition("/")[0]):
        return Destination("s3", "", path)
    if scheme and kind == "hf" and _HUB.fullmatch(path):
        return Destination("hf", "", path)
    remote, colon, path = text.partition(":")
    if scheme or not colon or not _REMOTE.fullmatch(remote):
        raise ValueError(_FORM)
    return Destination("rclone", remote, path.rstrip("/") or ("/" if path else ""))


def webhook(text: str) -> str:
    """Parse the address of a webhook. Its path and query are secrets more often than not. Raises ValueError."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text or "@" in parts.netloc:
        raise ValueError("must be an https:// address without a login in it")
    return text
