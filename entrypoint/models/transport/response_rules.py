"""P: what an HTTP response means for a download: continue, retry, resolve the address again, or give up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from entrypoint.models.errors import DownloadError, RangesRefused, RetryableError
from entrypoint.models.transport.address import without_query

#: Redirects that are followed for one address.
MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = frozenset({408, 425, 429})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def check_status(
    status: int, headers: Mapping[str, str], *, signed: bool, now: datetime, gated: bool = False,
    login_remedy: str = "the address needs a login",
) -> None:  # fmt: skip
    """Return where the response carries bytes (200, 206).

    `signed`: a redirect gave the address: it may have expired; `now`: for a Retry-After that is a date; `gated`: the
    source says in a way of its own that it wants a login; `login_remedy`: what the user does where the site wants a
    login. Raises RetryableError: transient; DownloadError: final.
    """
    if status in (200, 206):
        return
    message = " ".join(headers.get("X-Error-Message", "").split())[:200]
    what = f"HTTP {status}" + (f" ({message})" if message else "")
    if status in _TRANSIENT or status >= 500:
        raise RetryableError(what, after=retry_after(headers.get("Retry-After"), now))
    if (signed and status in (400, 401, 403, 404, 410, 416)) or 300 <= status < 400:
        raise RetryableError(what, resolve=True)
    if status == 401 or gated:
        raise DownloadError("LoginNeeded", what, login_remedy)
    if status == 403:
        remedy = "check that the token may read this file, and that its terms are accepted"
        raise DownloadError("Forbidden", what, remedy)
    if status in (404, 410):
        raise DownloadError("NotFound", what, "check repository, revision and path in the manifest")
    raise DownloadError("Refused", what, "check the address in the manifest")


def redirected(url: str, status: int, headers: Mapping[str, str]) -> str:
    """The address that a response of `url` redirects to, or "". Raises DownloadError: it leads away from https."""
    if status not in _REDIRECTS or "Location" not in headers:
        return ""
    try:
        target = urljoin(url, headers["Location"])
        urlsplit(target).port  # noqa: B018 - raises for one that is no port
    except ValueError:  # its text quotes the address, which may hold a login
        reason = "it redirects to a malformed address"
        raise DownloadError("BadRedirect", reason, "check the address in the manifest") from None
    secure = url.startswith("https://")
    if not target.startswith("https://" if secure else ("https://", "http://")):
        reason = f"it redirects from {url.partition(':')[0]} to {without_query(target)}"
        raise DownloadError("InsecureRedirect", reason, "check the address in the manifest")
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
    """The file's size in the response to `Range: bytes=0-0` (206 only), or None."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    return int(found.group(3)) if found and found.group(3) != "*" else None


def check_range(headers: Mapping[str, str], status: int, span: tuple[int, int], size: int, etag: str | None) -> None:
    """Check that the response holds exactly the requested bytes of the same file.

    `status`: the HTTP status, 200 or 206; `span`: the first byte requested, and the one behind the last; `etag`: the
    file's ETag when it was resolved, None: its hash is known.
    Raises RangesRefused: the origin sends the whole file; RetryableError: anything else that is wrong.
    """
    if status == 200:
        raise RangesRefused
    wanted = f"bytes {span[0]}-{span[1] - 1}/{size}"
    got = headers.get("Content-Range", "")
    if got != wanted:
        raise RetryableError(f"requested {wanted!r}, got {got[:60]!r}", resolve=True)
    if encoding_of(headers):
        raise RetryableError("the response has a Content-Encoding although `identity` was requested")
    if etag is not None and headers.get("ETag", "") != etag:
        raise RetryableError("the ETag has changed", resolve=True)


def encoding_of(headers: Mapping[str, str]) -> str:
    """How the body is encoded (gzip): it is not the file then; "": not at all."""
    content = headers.get("Content-Encoding", "").split(",")
    transfer = headers.get("Transfer-Encoding", "").split(",")
    found = [each.strip().lower() for each in (*content, *transfer)]
    return ", ".join(each for each in found if each not in ("", "identity", "chunked"))


def check_encoding(headers: Mapping[str, str]) -> None:
    """Raise DownloadError where the origin sends the file encoded only."""
    if encoding := encoding_of(headers):
        reason = f"its origin sends it encoded ({encoding}) although `identity` was requested"
        raise DownloadError("EncodedResponse", reason, "choose another address: the bytes would not be the file's")


def is_web_page(content_type: str, dest: str) -> bool:
    """Whether the type is a web page's (a login) where the file is none."""
    web = content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
    return web and not dest.endswith((".html", ".htm"))


def starts_like_web_page(head: bytes) -> bool:
    """Whether the first bytes are a web page's, where the type does not say so."""
    return head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))
