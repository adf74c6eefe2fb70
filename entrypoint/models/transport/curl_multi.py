"""A: libcurl's transfers on asyncio's loop (curl.se/libcurl/c/libcurl-multi.html, "multi_socket").

libcurl reads, decrypts and parses outside of the interpreter's lock, in one thread for all connections: a GiB
costs little more than with curl itself, which neither aiohttp nor threads with blocking sockets came near
(bench/models).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import pycurl

_READ, _WRITE = 1, 2
_WANTS = {pycurl.POLL_IN: _READ, pycurl.POLL_OUT: _WRITE, pycurl.POLL_INOUT: _READ | _WRITE}


class Listener(Protocol):
    """Who began a transfer."""

    def came(self) -> None:
        """libcurl has been at work, perhaps for this transfer."""

    def ended(self, reason: str) -> None:
        """It has ended, once: "" or what went wrong."""


class _Nobody:
    """Listens in the place of somebody who has gone."""

    def __init__(self, multi: Multi, transfer: pycurl.Curl) -> None:
        self._multi, self._transfer = multi, transfer

    def came(self) -> None:
        pass

    def ended(self, reason: str) -> None:
        self._multi.remove(self._transfer)


class Multi:
    """Runs transfers, and tells when one has ended."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._remind)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 64)
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._listeners: dict[pycurl.Curl, Listener] = {}

    def add(self, transfer: pycurl.Curl, listener: Listener) -> None:
        """Begin; the listener hears of it, never during this call."""
        self._listeners[transfer] = listener
        self._multi.add_handle(transfer)

    def remove(self, transfer: pycurl.Curl) -> None:
        """Ended or not; it is closed. Its connection is kept for others where its answer was read to the end."""
        if self._listeners.pop(transfer, None) is not None:
            self._multi.remove_handle(transfer)
            transfer.close()

    def abandon(self, transfer: pycurl.Curl) -> None:
        """Nobody waits for it any more. `remove` would wait for a name server, so until that answered it stays."""
        if transfer.getinfo(pycurl.NAMELOOKUP_TIME):
            self.remove(transfer)
        else:
            self._listeners[transfer] = _Nobody(self, transfer)

    def close(self) -> None:
        """Nothing runs any more; what was abandoned is left for the end of the process."""
        if self._timer:
            self._timer.cancel()
        for descriptor in list(self._watched):
            self._change(descriptor, 0)
        if self._listeners:
            _LEFT.append(self)
        else:
            self._multi.close()

    def _watch(self, event: int, descriptor: int, _multi: object, _data: object) -> None:
        """libcurl wants to know when this socket can be read or written."""
        self._change(descriptor, _WANTS.get(event, 0))

    def _change(self, descriptor: int, wants: int) -> None:
        had = self._watched.pop(descriptor, 0)
        if wants:
            self._watched[descriptor] = wants
        if wants & ~had & _READ:
            self._loop.add_reader(descriptor, self._act, descriptor, pycurl.CSELECT_IN)
        if wants & ~had & _WRITE:
            self._loop.add_writer(descriptor, self._act, descriptor, pycurl.CSELECT_OUT)
        if had & ~wants & _READ:
            self._loop.remove_reader(descriptor)
        if had & ~wants & _WRITE:
            self._loop.remove_writer(descriptor)

    def _remind(self, milliseconds: int) -> None:
        """libcurl wants to be called after so long; -1: it does not."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, descriptor: int, event: int) -> None:
        """Something has happened: libcurl goes on, and may have ended transfers."""
        self._multi.socket_action(descriptor, event)
        for listener in self._listeners.values():
            listener.came()
        left = 1
        while left:
            left, right, wrong = self._multi.info_read()
            for transfer in right:
                self._tell(transfer, "")
            for transfer, _, reason in wrong:
                self._tell(transfer, reason or "the transfer failed")

    def _tell(self, transfer: pycurl.Curl, reason: str) -> None:
        listener = self._listeners.get(transfer)
        if listener:
            listener.ended(reason)


#: Closing them would wait for name servers.
_LEFT: list[Multi] = []
