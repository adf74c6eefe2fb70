"""P: bytes of a log file -> whole lines with their service's name in front."""

from __future__ import annotations

#: A pipe takes a write of this many bytes whole (PIPE_BUF, pipe(7)): lines of two writers never mix.
LONGEST_WRITE = 4096


class LineSplitter:
    """Collects the bytes of one log file and hands out finished lines.

    A progress bar redraws its line with carriage returns; only what it shows last is a line. A line that does
    not end is cut, so that memory is bounded.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix:<8} | ".encode()
        self._room = LONGEST_WRITE - len(self._prefix) - 1
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` finished, ready to write."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._room:
            whole.append(self._rest)
            self._rest = b""
        return [self._finish(line) for line in whole]

    def flush(self) -> list[bytes]:
        """What has come of a line that will not be finished."""
        rest, self._rest = self._rest, b""
        return [self._finish(rest)] if rest else []

    def _finish(self, line: bytes) -> bytes:
        shown = line.rstrip(b"\r").rpartition(b"\r")[2]
        return self._prefix + shown[: self._room] + b"\n"


def batches(lines: list[bytes]) -> list[bytes]:
    """Lines joined into writes that a pipe takes whole."""
    joined: list[bytes] = []
    for line in lines:
        if joined and len(joined[-1]) + len(line) <= LONGEST_WRITE:
            joined[-1] += line
        else:
            joined.append(line)
    return joined
