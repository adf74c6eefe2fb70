"""Faults of a hub and its CDN, each with how the download of a file ends: `right`, or the failure's name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from tests.support.models.origin import Fault, Origin, drop

NAME = "m.bin"
BYTES = random.Random(1).randbytes(700_001)
OTHER = random.Random(2).randbytes(700_001)


def origin_with_a_file() -> Iterator[Origin]:
    """For a fixture: an origin that has the file NAME."""
    with Origin() as started:
        started.put(NAME, BYTES)
        yield started


def some(count: int, response: Any, first: int = 0) -> Fault:
    """The fault at the requests `first` to `first + count - 1`, then none."""

    async def fault(origin: Origin, request: web.Request, before: int) -> web.StreamResponse | None:
        return await response(origin, request) if first <= before < first + count else None

    return fault


def status(code: int, **headers: str) -> Any:
    async def response(origin: Origin, request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={key.replace("_", "-"): text for key, text in headers.items()})

    return response


async def aborted(origin: Origin, request: web.Request) -> web.StreamResponse:
    drop(request)
    return web.Response()


async def stalled(origin: Origin, request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(20)
    return web.Response(status=500)


def served(**twist: Any) -> Any:
    async def response(origin: Origin, request: web.Request) -> web.StreamResponse:
        return await origin.serve(request, BYTES, **twist)

    return response


async def other_bytes(origin: Origin, request: web.Request) -> web.StreamResponse:
    return await origin.serve(request, OTHER)


async def overlong(origin: Origin, request: web.Request) -> web.StreamResponse:
    return await origin.serve(request, BYTES + b"more", ranges=False, length=False)


async def renewed_date(origin: Origin, request: web.Request) -> web.StreamResponse:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    return web.Response(status=503, headers={"Retry-After": soon})


async def expired(origin: Origin, request: web.Request) -> web.StreamResponse | None:
    origin.signature += 1
    return None


async def login_page(origin: Origin, request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>log in</html>", content_type="text/html")


async def disguised_page(origin: Origin, request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"<!DOCTYPE html><html>" + b"x" * 999, content_type="application/octet-stream")


async def to_itself(origin: Origin, request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": str(request.rel_url)})


async def encoded(origin: Origin, request: web.Request) -> web.StreamResponse:
    return await origin.serve(request, BYTES, headers={"Content-Encoding": "gzip"})


ALWAYS = 10**6
CDN = [
    ("nothing", None, "right"),
    ("drop at once, 3 times", some(3, aborted), "right"),
    ("drop at once, always", some(ALWAYS, aborted), "OriginFails"),
    ("reset in the middle of chunks", some(9, served(cut=20_000), 1), "right"),
    ("reset in the middle of every chunk", some(ALWAYS, served(cut=20_000), 1), "right"),
    ("stall, twice", some(2, stalled, 1), "right"),
    ("stall, always", some(ALWAYS, stalled, 1), "OriginFails"),
    ("drip", some(2, served(drip=True), 1), "right"),
    ("429 with seconds", some(2, status(429, Retry_After="1"), 1), "right"),
    ("503 with a date", some(2, renewed_date, 1), "right"),
    ("503, always", some(ALWAYS, status(503)), "OriginFails"),
    ("503 for an hour", some(ALWAYS, status(503, Retry_After="3600")), "OriginFails"),
    ("signature runs out mid-file", some(1, expired, 4), "right"),
    ("signature runs out again and again", some(3, expired, 4), "right"),
    ("403, always", some(ALWAYS, status(403)), "OriginFails"),
    ("416 mid-file, once", some(1, status(416), 3), "right"),
    ("Range ignored", some(ALWAYS, served(ranges=False)), "right"),
    ("Range ignored from the middle on", some(ALWAYS, served(ranges=False), 4), "right"),
    ("Range ignored, no length", some(ALWAYS, served(ranges=False, length=False)), "right"),
    ("Range ignored, truncated", some(ALWAYS, served(ranges=False, cut=300_000)), "OriginFails"),
    ("206 shifted, once", some(1, served(shift=5), 3), "right"),
    ("206 shifted, always", some(ALWAYS, served(shift=5), 1), "OriginFails"),
    ("wrong bytes in one chunk", some(1, other_bytes, 3), "right"),
    ("wrong bytes, always", some(ALWAYS, other_bytes), "HashMismatch"),
    ("overlong", some(ALWAYS, overlong), "OriginFails"),
    ("encoded", some(ALWAYS, encoded, 1), "OriginFails"),
    ("HTML as 200", some(ALWAYS, login_page), "GotAWebPage"),
    ("redirected mid-file", some(1, to_itself, 3), "right"),
]
HUB = [
    ("429 with seconds", some(2, status(429, Retry_After="1")), "right"),
    ("503 with a date", some(1, renewed_date), "right"),
    ("503, always", some(ALWAYS, status(503)), "OriginFails"),
    ("500 twice", some(2, status(500)), "right"),
    ("401", some(ALWAYS, status(401)), "LoginNeeded"),
    (
        "gated",
        some(ALWAYS, status(403, X_Error_Code="GatedRepo", X_Error_Message="ask first")),
        "LoginNeeded",
    ),
    ("403", some(ALWAYS, status(403)), "Forbidden"),
    ("404", some(ALWAYS, status(404)), "NotFound"),
    ("405 to everything", some(ALWAYS, status(405)), "Refused"),
    ("redirect loop", some(ALWAYS, to_itself), "RedirectLoop"),
    ("HTML as 200", some(ALWAYS, login_page), "GotAWebPage"),
    ("encoded, always", some(ALWAYS, encoded), "EncodedResponse"),
    ("redirect to half an address", some(ALWAYS, status(302, Location="http://[::1/x")), "BadRedirect"),
    ("redirect to no port", some(ALWAYS, status(302, Location="http://example.com:99999/x")), "BadRedirect"),
    ("drop, always", some(ALWAYS, aborted), "OriginFails"),
    ("stall, once", some(1, stalled), "right"),
]
