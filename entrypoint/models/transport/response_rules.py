"""P: what an HTTP answer means for a download: go on, try again, ask for the address again, or give up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin

from entrypoint.models.sources.registry import shown

#: Redirects that are followed for one address.
MOST_HOPS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = frozenset({408, 425, 429})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Failed(Exception):
    """A file that can't be had as things are; nothing is tried again in this run.

    Attributes:
        name: CamelCase, stable.
        reason: One line.
        remedy: One line.
        temporary: A later run may well succeed.
        after: Seconds its origin asked to be left alone; 0: it did not ask.
    """

    def __init__(self, name: str, reason: str, remedy: str, *, temporary: bool = False, after: float = 0.0) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason, self.remedy, self.temporary = name, reason, remedy, temporary
        self.after = after


class DiskTrouble(Failed):
    """The volume refuses; what is finished is kept and nothing more is fetched."""


class Again(Exception):
    """Worth another try.

    Attributes:
        after: Seconds the origin asked to wait, or None.
        resolve: Ask for the address again first (a signed one has run out, or the file moved).
    """

    def __init__(self, reason: str, *, after: float | None = None, resolve: bool = False) -> None:
        super().__init__(reason)
        self.after, self.resolve = after, resolve


class RangesRefused(Exception):
    """The origin sends the whole file where a part was asked for: one stream it is."""


class UpstreamChanged(Exception):
    """The file upstream is another one now: what is staged of the old one is of no use."""


def judge(status: int, headers: Mapping[str, str], *, signed: bool, now: datetime) -> None:
    """Return when the answer carries bytes (200, 206).

    Args:
        status: The HTTP status.
        headers: The answer's headers, case-insensitive.
        signed: The address is one that a redirect gave: it may have run out.
        now: For a Retry-After that is a date.

    Raises:
        Again: Transient.
        Failed: Final.
    """
    if status in (200, 206):
        return
    said = " ".join(headers.get("X-Error-Message", "").split())[:200]
    what = f"HTTP {status}" + (f" ({said})" if said else "")
    if status in _TRANSIENT or status >= 500:
        raise Again(what, after=retry_after(headers.get("Retry-After"), now))
    if (signed and status in (400, 401, 403, 404, 410, 416)) or 300 <= status < 400:
        raise Again(what, resolve=True)
    if status == 401 or (status == 403 and headers.get("X-Error-Code") == "GatedRepo"):
        remedy = "accept the terms on the model's page and set HF_TOKEN (CIVITAI_TOKEN, GITHUB_TOKEN)"
        raise Failed("LoginNeeded", what, remedy)
    if status == 403:
        raise Failed("Forbidden", what, "check that the token may read this file, and that its terms are accepted")
    if status in (404, 410):
        raise Failed("NotFound", what, "check repository, revision and path in the manifest")
    raise Failed("Refused", what, "check the address in the manifest")


def redirected(url: str, status: int, headers: Mapping[str, str]) -> str:
    """Where an answer of `url` leads, or "".

    Raises:
        Failed: From https to something else.
    """
    if status not in _REDIRECTS or "Location" not in headers:
        return ""
    target = urljoin(url, headers["Location"])
    secure = url.startswith("https://")
    if not target.startswith("https://" if secure else ("https://", "http://")):
        reason = f"it redirects from {url.partition(':')[0]} to {shown(target)}"
        raise Failed("InsecureRedirect", reason, "check the address in the manifest")
    return target


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait: RFC 9110 10.2.3 allows a number of seconds and a date."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    import email.utils  # 4 ms, and few origins send a date

    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())


def whole_size(headers: Mapping[str, str]) -> int | None:
    """The file's size as an answer to `Range: bytes=0-0` tells it (206 only)."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return int(found.group(3)) if found and found.group(3) != "*" else None


def check_range(headers: Mapping[str, str], status: int, span: tuple[int, int], size: int, etag: str) -> None:
    """The answer is the very bytes asked for, of the very file.

    Raises:
        RangesRefused: The whole file is coming.
        Again: Anything else that is wrong.
    """
    if status == 200:
        raise RangesRefused
    wanted = f"bytes {span[0]}-{span[1] - 1}/{size}"
    got = headers.get("Content-Range", "")
    if got != wanted:
        raise Again(f"asked for {wanted!r}, got {got[:60]!r}", resolve=True)
    if headers.get("Content-Encoding", "identity") != "identity":
        raise Again("the bytes are encoded though they were asked for as they are")
    if headers.get("ETag", "") != etag:
        raise Again("the ETag is another one now", resolve=True)


def hub_sha256(headers: Mapping[str, str]) -> str:
    """sha256 of a file in large file storage, as the hub's answer tells it (X-Linked-Etag), else ""."""
    text = headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
    return text if _SHA256.fullmatch(text) else ""


def looks_like_a_page(content_type: str, dest: str) -> bool:
    """A web page (a login) where a file was expected."""
    return content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml") and not (
        dest.endswith((".html", ".htm"))
    )


def begins_like_a_page(head: bytes) -> bool:
    """The same, by the first bytes, where the type does not tell."""
    return head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))
