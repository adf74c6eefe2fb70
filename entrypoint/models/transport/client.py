"""A: HTTP requests to origins, by libcurl."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import pycurl

from entrypoint.models.errors import ConnectionBroken, DownloadError
from entrypoint.models.transport.curl_multi import CurlMulti
from entrypoint.models.transport.environment import certificates, proxy_of
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.private_networks import SocketGuard, check_literal, host_of
from entrypoint.models.transport.response import RECEIVE_BUFFER, Response
from entrypoint.models.transport.response_rules import MOST_REDIRECTS, redirected

#: The certificates of Debian, Fedora and Alpine; the wheel of pycurl looks where its builder had them.
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
#: CURLOPT_SUPPRESS_CONNECT_HEADERS, which pycurl 7.49 has no name for: a proxy's own response is not the origin's.
_SUPPRESS_CONNECT_HEADERS = 265
_IN_URLS = "%/:=&?~#+!$,;'@()*[]"


class HttpClient:
    """All connections of a run. Proxies and certificates as for curl; no cookies, no .netrc."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._named: set[str] = set()
        files, folders = certificates(os.environ)
        self._certificates = next(filter(os.path.isfile, (*files, *_CERTIFICATES)), "")
        self._certificate_folder = next(filter(os.path.isdir, folders), "")

    def allow(self, *addresses: str) -> None:
        """Let requests reach the hosts of these addresses on private networks: the user's manifest or settings name
        them."""
        self._named.update(host_of(address) for address in addresses)

    async def __aenter__(self) -> HttpClient:
        self._multi = CurlMulti()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._multi.close()

    @contextlib.asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Response]:
        """Request `url`. Redirects are responses like others, and bodies come as they are encoded.

        Raises ConnectionBroken: the network, here and while the body is read; DownloadError: the host is on a private
        network, and no setting names it.
        """
        async with self._request(url, {"Accept-Encoding": "identity", **(headers or {})}, None) as response:
            yield response

    @contextlib.asynccontextmanager
    async def follow(self, url: str) -> AsyncIterator[tuple[str, Response]]:
        """Request `url` and follow redirects; yields the last address and its response.

        Raises as `get` does, and DownloadError: too many redirects.
        """
        for _ in range(MOST_REDIRECTS):
            async with self.get(url) as response:
                target = redirected(url, response.status, response.headers)
                if not target:
                    yield url, response
                    return
            url = target
        raise DownloadError("TooManyRedirects", f"more than {MOST_REDIRECTS} redirects", "use another address")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send `body` to `url` and return the response's status; the rest of the response is not read.

        Raises as `get` does.
        """
        async with self._request(url, headers, body) as response:
            return response.status

    @contextlib.asynccontextmanager
    async def _request(self, url: str, headers: Mapping[str, str], body: bytes | None) -> AsyncIterator[Response]:
        transfer = self._transfer(url, {"User-Agent": "podkeeper", **headers})
        if body is not None:
            transfer.setopt(transfer.POSTFIELDS, body)
        proxy = proxy_of(url, os.environ)
        if proxy:
            check_literal(host_of(url), self._named)
        transfer.setopt(transfer.PROXY, proxy)
        at = host_of(proxy if "://" in proxy else f"http://{proxy}")
        guard = SocketGuard(at, {at}) if proxy else SocketGuard(host_of(url), self._named)
        transfer.setopt(transfer.OPENSOCKETFUNCTION, guard.open)
        response = Response(transfer, self._limits.stall_timeout)
        self._multi.add(transfer, response)
        try:
            async with asyncio.timeout(self._limits.connect_timeout + self._limits.stall_timeout):
                await response.wait_for_head()
        except TimeoutError:
            self._multi.abandon(transfer)
            raise ConnectionBroken("no response in time") from None
        except asyncio.CancelledError:
            self._multi.abandon(transfer)
            raise
        except ConnectionBroken:
            self._multi.remove(transfer)
            guard.check()
            raise
        try:
            yield response
        finally:
            self._multi.remove(transfer)
            response.close()

    def _transfer(self, url: str, headers: Mapping[str, str]) -> pycurl.Curl:
        lines = [f"{name}: {text}" for name, text in headers.items()]
        if any(not line.isprintable() for line in lines):
            raise ConnectionBroken("a header of the request holds a control character")
        curl = pycurl.Curl()
        curl.setopt(curl.URL, quote(url, safe=_IN_URLS))
        curl.setopt(curl.HTTPHEADER, [line.encode() for line in lines])
        curl.setopt(curl.PROTOCOLS, curl.PROTO_HTTP | curl.PROTO_HTTPS)
        curl.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1)  # many connections are the point
        curl.setopt(curl.CONNECTTIMEOUT_MS, int(self._limits.connect_timeout * 1000))
        curl.setopt(curl.BUFFERSIZE, RECEIVE_BUFFER)
        curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
        curl.setopt(curl.NOSIGNAL, 1)
        if self._certificates:
            curl.setopt(curl.CAINFO, self._certificates)
        if self._certificate_folder:
            curl.setopt(curl.CAPATH, self._certificate_folder)
        return curl
