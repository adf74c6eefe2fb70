"""A: the wake-up of supervisord's loop on signals and deadlines instead of once a second."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

NEVER = float("inf")
RESTING = 5.0  # Seconds between turns of the loop while nothing is due: events wake the loop. Stock turns every second.


class Wakeup:
    """A pipe in supervisord's socket map that signals write to, and poll time-outs that end at deadlines.

    Stock supervisord polls for 1 s whatever happens: a signal interrupts the poll, but PEP 475 resumes it.
    A timer would not do: one that is armed at exit ends the process with SIGALRM.
    """

    closed = False

    def __init__(
        self,
        supervisord: Any,
        next_deadline: Callable[[], float],
        before_poll: Callable[[], None],
        at_rest: Callable[[], bool],
    ) -> None:
        self._options = supervisord.options
        self._next_deadline, self._before_poll, self._at_rest = next_deadline, before_poll, at_rest
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def install(self) -> None:
        """Hook into supervisord's poller; `remove` undoes it before a reload."""
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self._options.get_socket_map()[self._read_end] = self
        self._stock_poll = self._options.poller.poll
        self._options.poller.poll = self.poll
        self._stock_cleanup = self._options.cleanup
        self._options.cleanup = self.remove
        self.wake()  # the first loop would sleep 1 s before the first spawn

    def remove(self) -> None:
        """Undo `install` at an exit or a reload, which closes all descriptors: no signal may write to a reused one."""
        signal.set_wakeup_fd(-1)
        self._options.get_socket_map().pop(self._read_end, None)
        os.close(self._read_end)
        os.close(self._write_end)
        self._options.cleanup = self._stock_cleanup
        self._stock_cleanup()

    def wake(self) -> None:
        """Make the next poll return at once. A full pipe already does that."""
        with contextlib.suppress(OSError):
            os.write(self._write_end, b"w")

    def poll(self, timeout: float) -> Any:
        """supervisord's poll until our next deadline; returns at once while signals are queued (one a turn)."""
        self._before_poll()
        if self._options.signal_receiver._signals_recvd:
            timeout = 0.0
        elif self._at_rest() and not self._has_clients():
            timeout = RESTING
        left = self._next_deadline() - time.monotonic()
        return self._stock_poll(max(0.0, min(timeout, left)))

    def _has_clients(self) -> bool:
        """Whether a client waits: its response is sent at a turn of the loop."""
        members = self._options.get_socket_map().values()
        return any(member is not self and not member.accepting for member in members)

    # The interface of a member of supervisord's socket map.
    def fileno(self) -> int:
        return self._read_end

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read_end, 4096):
                pass

    def handle_write_event(self) -> None: ...
    def handle_error(self) -> None: ...
    def close(self) -> None: ...
