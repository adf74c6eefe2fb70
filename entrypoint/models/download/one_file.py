"""A: one file into its part: many ranges at once, or one stream; the right bytes, whole, or not at all."""

from __future__ import annotations

from entrypoint.models.download.chunks import Plan, identity
from entrypoint.models.download.lease import Lease, machine
from entrypoint.models.download.part_file import Part
from entrypoint.models.download.remote_file import Source
from entrypoint.models.download.resolve import Resolved
from entrypoint.models.download.segmented import Ranges
from entrypoint.models.download.stream import stream
from entrypoint.models.transport.response_rules import (
    Failed,
    RangesRefused,
    UpstreamChanged,
    begins_like_a_page,
)

_RESTARTS = 3


class Fetch:
    """One file on its way."""

    def __init__(self, source: Source) -> None:
        self.source = source

    async def run(self, folder: str, lease: Lease) -> tuple[Part, str]:
        """Fetch into a part in `folder`; return it sealed and closed, with its sha256.

        Raises:
            Failed: It can't be had; what may help a later run stays in `folder`.
        """
        single, wrong = False, None
        for _ in range(_RESTARTS):
            resolved = await self.source.resolve()
            try:
                return await self._once(folder, lease, resolved, single or not resolved.ranges)
            except RangesRefused:
                single = True
            except UpstreamChanged:
                self.source.forget()
            except _WrongBytes as error:
                wrong = error
                self.source.forget()
            self.source.transfer.restart()
        if wrong:
            remedy = "try again later; if it stays so, the source is damaged"
            raise Failed("HashMismatch", f"{wrong}: discarded", remedy, temporary=True)
        raise Failed("KeepsChanging", "it changed upstream while it was fetched", "try again later", temporary=True)

    async def _once(self, folder: str, lease: Lease, resolved: Resolved, single: bool) -> tuple[Part, str]:
        size = resolved.size or 0
        boot = machine().partition(" ")[0]
        key = identity(resolved.sha256, resolved.etag, boot, size, self.source.line.limits.chunk)
        part = Part(folder, lease.who, key if size and not single else identity("", "", "", size, 1))
        kept = False
        try:
            if single or not size:
                size, digest = await self.source.patiently(lambda: stream(self.source, part))
            else:
                self.source.transfer.begin(size, part.resumed)
                digest = await Ranges(self.source, part, Plan(size, self.source.line.limits.chunk)).run()
            _compare(digest, resolved.sha256)
            lease.beat()
            part.seal(size)
            self._no_page(part)
            kept = True
        except (RangesRefused, UpstreamChanged, _WrongBytes):
            part.discard()
            raise
        finally:
            part.close()
            if not kept and (single or not size):
                part.discard()
        return part, digest

    def _no_page(self, part: Part) -> None:
        head = bytearray(64)
        part.read_into(memoryview(head), 0)
        if begins_like_a_page(bytes(head)) and not self.source.file.dest.endswith((".html", ".htm")):
            part.discard()
            remedy = "the address may need a login: set HF_TOKEN, CIVITAI_TOKEN or GITHUB_TOKEN"
            raise Failed("GotAWebPage", f"{self.source.shown} answers a web page instead of the file", remedy)


class _WrongBytes(Exception):
    """All bytes are there and they are not the right ones."""


def _compare(digest: str, wanted: str) -> None:
    if wanted and digest != wanted:
        raise _WrongBytes(f"its sha256 is {digest[:16]}..., not {wanted[:16]}...")
