"""A: keeps redirects away from the pod's own networks: the cloud's metadata service, this machine, its neighbours.

The check is at the socket, with the address that is connected to: another spelling of it, a name that resolves to it
and a name that resolves to something else the next time make no difference.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Container
from typing import Any
from urllib.parse import urlsplit

import pycurl

from entrypoint.models.errors import DownloadError

#: IPv6 networks whose last four bytes are an IPv4 address: translation (RFC 6052) and IPv4-compatible.
_EMBEDDED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


class _Socket(socket.socket):
    """A socket that pycurl duplicates, and then drops."""

    def __del__(self) -> None:
        self.close()  # without Python's warning


class SocketGuard:
    """Opens the sockets of one transfer, for libcurl (CURLOPT_OPENSOCKETFUNCTION)."""

    def __init__(self, host: str, named: Container[str]) -> None:
        """`named`: hosts that the user's manifest or settings name; those may be on private networks."""
        self._host, self._named, self._refused = host, host in named, ""

    def open(self, _purpose: int, address: Any) -> socket.socket | int:
        """Open a socket for `address`, unless no request may go there."""
        family, kind, protocol, (ip, *_) = address
        if not may_connect(ip, self._host, named=self._named):
            self._refused = ip
            return int(pycurl.SOCKET_BAD)
        return _Socket(family, kind, protocol)

    def check(self) -> None:
        """Raise DownloadError where a socket was refused."""
        if self._refused:
            raise _refusal(self._host, self._refused)


def check_literal(host: str, named: Container[str]) -> None:
    """Raise DownloadError where a proxy would be asked for an address of private networks, in whatever spelling.

    A name is the proxy's to resolve: which address it has there, this machine cannot know.
    """
    try:
        ip = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        ip = host
    if (":" in ip or ip != host or ip.replace(".", "").isdigit()) and not may_connect(ip, host, named=host in named):
        raise _refusal(host, ip)


def _refusal(host: str, ip: str) -> DownloadError:
    reason = f"{host} is at {ip}, an address of the pod's own networks"
    return DownloadError("PrivateAddress", reason, "give that address in the manifest itself if it is meant")


def may_connect(ip: str, host: str, *, named: bool) -> bool:
    """Whether a request for `host` may go to the address `ip`.

    A link-local address has to be named itself: no model file is there, but the cloud's metadata service is.
    """
    found = _plain(ip)
    if found.is_global and not found.is_multicast:
        return True
    return named and (not found.is_link_local or host in (ip, str(found)))


def _plain(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address, or the IPv4 address in it."""
    found = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if any(found in network for network in _EMBEDDED) and int(found) > 1:  # not :: and ::1
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return inner or found
    return found


def host_of(url: str) -> str:
    """The host of an address; "" where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
