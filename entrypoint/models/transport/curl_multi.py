"""A: libcurl's transfers on asyncio's loop (curl.se/libcurl/c/libcurl-multi.html, "multi_socket").

libcurl reads, decrypts and parses outside of the interpreter's lock, in one thread for all connections: a GiB
costs little more than with curl itself, which neither aiohttp nor threads with blocking sockets came near
(bench/models).

Not tornado's CurlAsyncHTTPClient (6.6.1): it cannot abort a running transfer (its API ends with `fetch`), calls
Python for each buffer of libcurl, pauses at a queue of its own and never for a slow reader, keeps 100 MB a response
at most unless told otherwise, and waits for name servers when it closes.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import pycurl

_READ, _WRITE = 1, 2
_EVENTS = {pycurl.POLL_IN: _READ, pycurl.POLL_OUT: _WRITE, pycurl.POLL_INOUT: _READ | _WRITE}


class TransferListener(Protocol):
    """The owner of a transfer."""

    def on_activity(self) -> None:
        """libcurl has worked, perhaps on this transfer."""

    def on_end(self, reason: str) -> None:
        """The transfer has ended, once: "" or the failure."""


class _AbandonedTransfer:
    """The listener of a transfer whose owner has gone."""

    def __init__(self, multi: CurlMulti, transfer: pycurl.Curl) -> None:
        self._multi, self._transfer = multi, transfer

    def on_activity(self) -> None:
        pass

    def on_end(self, reason: str) -> None:
        self._multi.remove(self._transfer)


class CurlMulti:
    """Runs transfers, and reports to their listeners."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 64)
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._listeners: dict[pycurl.Curl, TransferListener] = {}

    def add(self, transfer: pycurl.Curl, listener: TransferListener) -> None:
        """Start a transfer; the listener is never called during this call."""
        self._listeners[transfer] = listener
        self._multi.add_handle(transfer)

    def remove(self, transfer: pycurl.Curl) -> None:
        """Close a transfer, ended or not. Its connection is reused where its response was read to the end."""
        if self._listeners.pop(transfer, None) is not None:
            self._multi.remove_handle(transfer)
            transfer.close()

    def abandon(self, transfer: pycurl.Curl) -> None:
        """Drop a transfer without waiting: `remove` waits for a name server, so until that responds it stays."""
        if transfer.getinfo(pycurl.NAMELOOKUP_TIME):
            self.remove(transfer)
        else:
            self._listeners[transfer] = _AbandonedTransfer(self, transfer)

    def close(self) -> None:
        """Close all connections; abandoned transfers are left for the end of the process."""
        if self._timer:
            self._timer.cancel()
        for descriptor in list(self._watched):
            self._watch(descriptor, 0)
        if self._listeners:
            _UNCLOSED.append(self)
        else:
            self._multi.close()

    def _on_socket(self, event: int, descriptor: int, _multi: object, _data: object) -> None:
        """libcurl's request to be called when this socket can be read or written."""
        self._watch(descriptor, _EVENTS.get(event, 0))

    def _watch(self, descriptor: int, wanted: int) -> None:
        had = self._watched.pop(descriptor, 0)
        if wanted:
            self._watched[descriptor] = wanted
        if wanted & ~had & _READ:
            self._loop.add_reader(descriptor, self._socket_action, descriptor, pycurl.CSELECT_IN)
        if wanted & ~had & _WRITE:
            self._loop.add_writer(descriptor, self._socket_action, descriptor, pycurl.CSELECT_OUT)
        if had & ~wanted & _READ:
            self._loop.remove_reader(descriptor)
        if had & ~wanted & _WRITE:
            self._loop.remove_writer(descriptor)

    def _on_timer(self, milliseconds: int) -> None:
        """libcurl's request to be called after so long; -1: never."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._socket_action, pycurl.SOCKET_TIMEOUT, 0)

    def _socket_action(self, descriptor: int, event: int) -> None:
        """Let libcurl work, then report what has ended."""
        self._multi.socket_action(descriptor, event)
        for listener in self._listeners.values():
            listener.on_activity()
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for transfer in succeeded:
                self._report_end(transfer, "")
            for transfer, _, reason in failed:
                self._report_end(transfer, reason or "the transfer failed")

    def _report_end(self, transfer: pycurl.Curl, reason: str) -> None:
        listener = self._listeners.get(transfer)
        if listener:
            listener.on_end(reason)


#: Closing them would wait for name servers.
_UNCLOSED: list[CurlMulti] = []
