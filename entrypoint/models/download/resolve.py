"""A: from the address in the manifest to the one that has the bytes, with size, hash and ETag.

One GET of one byte, redirects followed by hand: HEAD is refused by some origins, and a login must not travel
along a redirect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.sources.registry import Tokens, origin_of, shown
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.response import Answer
from entrypoint.models.transport.response_rules import (
    MOST_HOPS,
    Again,
    Failed,
    hub_sha256,
    judge,
    looks_like_a_page,
    redirected,
    whole_size,
)

#: A release asset at api.github.com comes as bytes only when it is asked for as bytes.
ASK = {"Accept": "application/octet-stream, */*;q=0.5", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Where a file is and what it is.

    Attributes:
        url: The last address; may carry a signature.
        login: Headers for that address.
        signed: A redirect gave it.
        size: Bytes, or None.
        sha256: Lower-case hex or "".
        etag: As sent, or "".
        ranges: Parts can be asked for.
        framed: The end of the stream can be told from a broken line (a length or chunked framing).
    """

    url: str = field(repr=False)
    login: dict[str, str] = field(repr=False)
    signed: bool
    size: int | None
    sha256: str
    etag: str
    ranges: bool
    framed: bool


async def resolve(wire: Wire, url: str, file: File, tokens: Tokens, sha256: str = "") -> Resolved:
    """Follow `url` to the bytes; `sha256`: what is known of it already.

    Raises:
        Again: Worth another try.
        Failed: Final.
        OSError: The network; worth another try.
    """
    first, login, linked_size = url, tokens.headers(url, url), None
    for hop in range(MOST_HOPS):
        ask = {**ASK, **login, "Range": "bytes=0-0"}
        async with wire.get(url, ask) as answer:
            if origin_of(url) == origin_of(first):
                linked = answer.headers.get("X-Linked-Size", "")
                linked_size = int(linked) if linked.isdigit() else linked_size
                sha256 = hub_sha256(answer.headers) or sha256
            if target := redirected(url, answer.status, answer.headers):
                url = target
                login = tokens.headers(url, first) if login else {}  # once lost, for good
                continue
            judge(answer.status, answer.headers, signed=hop > 0, now=datetime.now(UTC))
            return _resolved(answer, file, url, login, hop > 0, linked_size, sha256)
    reason = f"{MOST_HOPS} redirects and no end, the last to {shown(url)}"
    raise Failed("RedirectLoop", reason, "check the address in the manifest")


def _resolved(
    answer: Answer, file: File, url: str, login: dict[str, str], signed: bool,
    linked_size: int | None, sha256: str,
) -> Resolved:  # fmt: skip
    if looks_like_a_page(answer.headers.get("Content-Type", ""), file.dest):
        remedy = "the address may need a login: set HF_TOKEN, CIVITAI_TOKEN or GITHUB_TOKEN"
        raise Failed("GotAWebPage", f"{shown(url)} answers a web page instead of the file", remedy)
    partial = answer.status == 206
    told = whole_size(answer.headers) if partial else answer.length
    if None not in (told, linked_size) and told != linked_size:
        raise Again(f"the hub says {linked_size} bytes, {shown(url)} says {told}", resolve=True)
    size = told if told is not None else linked_size
    _check_expected(file, size, sha256)
    chunked = "chunked" in answer.headers.get("Transfer-Encoding", "").lower()
    return Resolved(
        url=url, login=login, signed=signed, size=size if size is not None else file.size,
        sha256=file.sha256 or sha256, etag=answer.headers.get("ETag", ""),
        ranges=partial and told is not None, framed=chunked or answer.length is not None,
    )  # fmt: skip


def _check_expected(file: File, size: int | None, sha256: str) -> None:
    remedy = "the file was replaced at its source: update the manifest, or pin `revision` to a commit"
    if file.sha256 and sha256 and file.sha256 != sha256:
        raise Failed("HashDiffers", f"the hub's sha256 is {sha256}, the manifest's {file.sha256}", remedy)
    if file.size is not None and size is not None and file.size != size:
        raise Failed("SizeDiffers", f"it has {size} bytes, the manifest says {file.size}", remedy)
