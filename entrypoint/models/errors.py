"""P: the failures of a download, by what can be done about them."""

from __future__ import annotations


def _printable(text: str) -> str:
    """A text that quotes an origin, fit for a terminal: an escape sequence in a header would control it."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


class DownloadError(Exception):
    """A file that cannot be downloaded as things are; this run does not retry it.

    `name`: CamelCase, stable; `reason`: one line; `remedy`: one line; `temporary`: a later run may succeed; `after`:
    seconds that the origin asked to wait (Retry-After); 0: it did not ask.
    """

    def __init__(self, name: str, reason: str, remedy: str, *, temporary: bool = False, after: float = 0.0) -> None:
        reason = _printable(reason)
        super().__init__(f"{name}: {reason}")
        self.name, self.reason, self.remedy, self.temporary, self.after = name, reason, remedy, temporary, after


class DiskError(DownloadError):
    """The volume refuses an operation."""


class VolumeFailed(DiskError):
    """The volume refuses every file (it is full, read-only, gone); finished files are kept, other disks are used."""


class LeaseLost(DownloadError):
    """Another pod holds the file's lease now (this one was suspended for too long), or the file was removed."""

    def __init__(self, *, removed: bool = False) -> None:
        reason = "another pod has taken over this file"
        remedy = "nothing to do: the other pod finishes it"
        if removed:
            reason = "it was removed while it was downloaded"
            remedy = "nothing to do: a file that the manifest still has is fetched again"
        super().__init__("LeaseLost", reason, remedy, temporary=True)


class RetryableError(Exception):
    """A failure that another attempt may cure.

    `after`: seconds that the origin asked to wait (Retry-After), or None; `resolve`: resolve the address again first (a
    signed one has expired, or the file moved).
    """

    def __init__(self, reason: str, *, after: float | None = None, resolve: bool = False) -> None:
        super().__init__(_printable(reason))
        self.after, self.resolve = after, resolve


class TooSlow(RetryableError):
    """The connection drips. What the file's other connections bring does not renew its attempts: they may drip, too."""


class RangesRefused(Exception):
    """The origin sends the whole file where a range was requested: the download becomes a single stream."""


class UpstreamChanged(Exception):
    """The file at the origin was replaced: what is staged of the old one is useless."""


class ConnectionBroken(OSError):
    """A network failure: no connection, or it ended before the response did."""
