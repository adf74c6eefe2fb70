"""A response's body: a slow reader pauses it, a sink that has enough ends it, an exception of the sink is raised."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from aiohttp import web

from entrypoint.models.errors import ConnectionBroken
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from tests.support.models.origin import Origin

MIB = 1 << 20
BYTES = random.Random(7).randbytes(64 * MIB)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin(piece=MIB) as started:
        yield started


def address(origin: Origin, content: bytes = BYTES) -> str:
    origin.put("a.bin", content)
    return f"{origin.hub_url}/plain/a.bin"


def local_client() -> HttpClient:
    """A client that may reach the origin of the tests."""
    client = HttpClient(Limits())
    client.allow("http://127.0.0.1/")
    return client


class Body:
    """The bytes that have arrived."""

    def __init__(self) -> None:
        self.came = bytearray()
        self.told = 0

    def put(self, data: memoryview) -> int:
        self.came += data
        return len(data)

    async def quiet(self, polls: int = 30, deadline: float = 20) -> None:
        """Return when nothing more comes."""
        async with asyncio.timeout(deadline):
            before, same = -1, 0
            while same < polls:
                await asyncio.sleep(0.01)
                same = same + 1 if before == len(self.came) else 0
                before = len(self.came)


def test_a_slow_reader_pauses_the_connection(origin: Origin) -> None:
    body = Body()

    async def run() -> None:
        async with local_client() as client, client.get(address(origin)) as response:
            async for count in response.stream_to(body.put):
                if not body.told:
                    await body.quiet()
                    assert len(body.came) < len(BYTES)
                body.told += count

    asyncio.run(run())
    assert bytes(body.came) == BYTES
    assert body.told == len(BYTES)


def test_a_body_that_is_read_late_is_whole(origin: Origin) -> None:
    async def late() -> bytes:
        body = Body()
        async with local_client() as client, client.get(address(origin, BYTES[: 3 * MIB])) as response:
            await body.quiet()
            body.told = sum([count async for count in response.stream_to(body.put)])
        return bytes(body.came)

    assert asyncio.run(late()) == BYTES[: 3 * MIB]


def test_read_returns_the_first_bytes_alone(origin: Origin) -> None:
    async def some() -> bytes:
        async with local_client() as client, client.get(address(origin)) as response:
            return await response.read(1_000_000)

    assert asyncio.run(some()) == BYTES[:1_000_000]


@pytest.mark.parametrize("says", ["enough", "trouble"])
def test_a_sink_that_has_enough_or_raises_is_not_called_again(
    origin: Origin, capfd: pytest.CaptureFixture[str], says: str
) -> None:
    calls = list[int]()

    def put(data: memoryview) -> int:
        calls.append(len(data))
        if sum(calls) <= MIB:
            return len(data)
        if says == "trouble":
            raise OSError(28, "No space left on device")
        return len(data) - 1

    async def run() -> int:
        async with local_client() as client, client.get(address(origin)) as response:
            return sum([count async for count in response.stream_to(put)])

    if says == "trouble":
        with pytest.raises(OSError, match="No space left"):
            asyncio.run(run())
    else:
        assert asyncio.run(run()) == sum(calls) - 1
    assert sum(calls[:-1]) <= MIB < sum(calls)
    assert capfd.readouterr().err == ""


def test_bytes_received_before_the_connection_broke_are_written(origin: Origin) -> None:
    """Less of it than is gathered at a time."""
    body = Body()

    async def broken(origin: Origin, request: web.Request, _: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(BYTES))})
        await response.prepare(request)
        await response.write(BYTES[:100_000])
        assert request.transport is not None
        request.transport.close()
        return response

    async def run() -> None:
        async with local_client() as client, client.get(address(origin)) as response:
            async for count in response.stream_to(body.put):
                body.told += count

    origin.hub_fault = broken
    with pytest.raises(ConnectionBroken):
        asyncio.run(run())
    assert bytes(body.came) == BYTES[:100_000]
    assert body.told == 100_000
