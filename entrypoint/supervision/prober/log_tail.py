"""A: a reader of new lines in a log file that supervisord rotates."""

import os

from entrypoint.system.files import open_regular

MAX_BYTES = 1 << 20  # Bytes read at a time; anything a flood writes beyond that is skipped.


class LogTail:
    """Starts at the end of the file: earlier lines belong to an earlier process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.skip()

    def skip(self) -> None:
        """Skip everything that has not been read yet."""
        try:
            state = os.stat(self._path)
        except OSError:
            self._inode, self._offset = -1, 0
        else:
            self._inode, self._offset = state.st_ino, state.st_size
        self._rest = b""

    def lines(self) -> list[str]:
        """Return the complete lines since the last call; none while the file cannot be read."""
        try:
            with open_regular(self._path) as file:
                state = os.fstat(file.fileno())
                if state.st_ino != self._inode or state.st_size < self._offset:
                    self._inode, self._offset, self._rest = state.st_ino, 0, b""
                self._offset = max(self._offset, state.st_size - MAX_BYTES)
                file.seek(self._offset)
                data = file.read(MAX_BYTES)
        except OSError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]
