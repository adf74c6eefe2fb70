"""A: resolves the address in the manifest to the one that has the bytes, with size, hash and ETag.

One GET of one byte, redirects followed by hand: HEAD is refused by some origins, and a login must not travel
along a redirect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from entrypoint.models.errors import DownloadError, RetryableError
from entrypoint.models.sources.base import is_address, origin_of
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.registry import Sources, facts_in, login_remedy
from entrypoint.models.sources.tokens import Tokens
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.response import Response
from entrypoint.models.transport.response_rules import (
    MOST_REDIRECTS,
    check_encoding,
    check_status,
    is_web_page,
    redirected,
    whole_size,
)
from entrypoint.settings.parsing import without_login

#: A release asset at api.github.com comes as bytes only when it is requested as bytes.
HEADERS = {"Accept": "application/octet-stream, */*;q=0.5", "Accept-Encoding": "identity"}
#: What origins that serve no ranges answer to one.
_RANGE_REFUSED = (400, 403, 405, 416, 501)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A file's last address and what its origin says about it."""

    url: str = field(repr=False)  # the last address; may carry a signature
    login: dict[str, str] = field(repr=False)  # headers for that address
    signed: bool  # a redirect gave it
    size: int | None  # bytes, or None
    sha256: str  # lower-case hex or ""
    etag: str  # as sent, or ""
    ranges: bool  # the origin serves ranges
    framed: bool  # the end of the stream differs from a broken connection (a length or chunked framing)


async def resolve(
    client: HttpClient, url: str, file: File, sources: Sources, tokens: Tokens, sha256: str = ""
) -> Resolved:
    """Follow `url` to the bytes. `sha256`: what the source's API gave.

    Raises RetryableError: worth another attempt; DownloadError: final; OSError: the network; worth another attempt.
    """
    if not is_address(url):
        raise DownloadError(
            "BadAddress", f"{without_login(url).partition('?')[0]} is malformed", "correct it in the manifest"
        )
    first, login, linked_size = url, tokens.headers(url, url), None
    ranges = {"Range": "bytes=0-0"}
    for _ in range(MOST_REDIRECTS):
        async with client.get(url, {**HEADERS, **login, **ranges}) as response:
            if response.status in _RANGE_REFUSED and ranges:
                ranges = {}  # some origins refuse every range; and an empty file has none
                continue
            if origin_of(url) == origin_of(first):
                size, digest = facts_in(response.headers, sources)
                linked_size = size if size is not None else linked_size
                sha256 = digest or sha256
            if target := redirected(url, response.status, response.headers):
                url = target
                login = tokens.headers(url, first) if login else {}  # once lost, for good
                continue
            check_status(
                response.status, response.headers, signed=url != first, now=datetime.now(UTC),
                gated=any(each.needs_login(response.status, response.headers) for each in sources),
                login_remedy=login_remedy(first, sources),
            )  # fmt: skip
            check_encoding(response.headers)
            if is_web_page(response.headers.get("Content-Type", ""), file.dest):
                raise DownloadError("GotAWebPage", *web_page(url, login_remedy(first, sources)))
            return _resolved(response, file, url, login, url != first, linked_size, sha256)
    reason = f"more than {MOST_REDIRECTS} redirects, the last to {without_query(url)}"
    raise DownloadError("RedirectLoop", reason, "check the address in the manifest")


def web_page(url: str, login_remedy: str) -> tuple[str, str]:
    """(reason, remedy) where an origin sends a web page instead of the file."""
    return f"{without_query(url)} sends a web page instead of the file", f"it may need a login: {login_remedy}"


def _resolved(
    response: Response, file: File, url: str, login: dict[str, str], signed: bool,
    linked_size: int | None, sha256: str,
) -> Resolved:  # fmt: skip
    partial = response.status == 206
    given = whole_size(response.headers) if partial else response.length
    if None not in (given, linked_size) and given != linked_size:
        raise RetryableError(f"the hub says {linked_size} bytes, {without_query(url)} says {given}", resolve=True)
    size = given if given is not None else linked_size
    if size == 0:
        raise DownloadError("EmptyFile", "it has no bytes at its source", "check the address in the manifest")
    remedy = "the file was replaced at its source: update the manifest, or pin `revision` to a commit"
    if file.sha256 and sha256 and file.sha256 != sha256:
        raise DownloadError("HashDiffers", f"its source says sha256 {sha256}, the manifest {file.sha256}", remedy)
    if file.size is not None and size is not None and file.size != size:
        raise DownloadError("SizeDiffers", f"it has {size} bytes, the manifest says {file.size}", remedy)
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return Resolved(
        url=url, login=login, signed=signed, size=size if size is not None else file.size,
        sha256=file.sha256 or sha256, etag=response.headers.get("ETag", ""),
        ranges=partial and given is not None, framed=chunked or response.length is not None,
    )  # fmt: skip
