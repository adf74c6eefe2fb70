"""P: a splitter of a log file's bytes into whole lines with their service's name in front."""

#: A pipe takes a write of this many bytes whole (PIPE_BUF, pipe(7)): lines of two writers never mix.
LONGEST_WRITE = 4096


class LineSplitter:
    """The unfinished line of one log file.

    A progress bar redraws its line with carriage returns; only its last state becomes a line. A line without an
    end is cut, so that memory is bounded.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix:<8} | ".encode()
        self._room = LONGEST_WRITE - len(self._prefix) - 1
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, ready to write."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._room:
            whole.append(self._rest)
            self._rest = b""
        return [self._finish(line) for line in whole]

    def flush(self) -> list[bytes]:
        """Return the unfinished line, if any, as a line."""
        rest, self._rest = self._rest, b""
        return [self._finish(rest)] if rest else []

    def _finish(self, line: bytes) -> bytes:
        shown = line.rstrip(b"\r").rpartition(b"\r")[2]
        return self._prefix + shown[: self._room] + b"\n"


def batches(lines: list[bytes]) -> list[bytes]:
    """Join lines into writes that a pipe takes whole."""
    joined: list[bytes] = []
    for line in lines:
        if joined and len(joined[-1]) + len(line) <= LONGEST_WRITE:
            joined[-1] += line
        else:
            joined.append(line)
    return joined
