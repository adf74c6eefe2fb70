"""A: requests to origins, by libcurl."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import pycurl

from entrypoint.models.transport.curl_multi import Multi
from entrypoint.models.transport.response import RECEIVED, Answer, Broken
from entrypoint.models.transport.retry import Limits

#: Where Debian, Fedora and Alpine have the certificates; the wheel of pycurl looks where its builder had them.
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_IN_URLS = "%/:=&?~#+!$,;'@()*[]"


class Wire:
    """All connections of a run. No cookies, no proxies of the environment, no .netrc (a login for somebody else)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        given = os.environ.get("SSL_CERT_FILE", "")
        self._certificates = given or next(filter(os.path.exists, _CERTIFICATES), "")

    async def __aenter__(self) -> Wire:
        self._multi = Multi()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._multi.close()

    @contextlib.asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Answer]:
        """Ask for `url`; redirects are answers like others, and bodies come as they are encoded.

        Raises:
            Broken: The network, here and while the body is read.
        """
        transfer = self._transfer(url, {"User-Agent": "podkeeper", **(headers or {})})
        answer = Answer(transfer, self._limits.stall_timeout)
        self._multi.add(transfer, answer)
        try:
            async with asyncio.timeout(self._limits.connect_timeout + self._limits.stall_timeout):
                await answer.begun()
        except TimeoutError:
            self._multi.abandon(transfer)
            raise Broken("no answer in time") from None
        except asyncio.CancelledError:
            self._multi.abandon(transfer)
            raise
        except Broken:
            self._multi.remove(transfer)
            raise
        try:
            yield answer
        finally:
            self._multi.remove(transfer)
            answer.close()

    def _transfer(self, url: str, headers: Mapping[str, str]) -> pycurl.Curl:
        lines = [f"{name}: {text}" for name, text in headers.items()]
        if any(not line.isprintable() for line in lines):
            raise Broken("a header of the request holds a control character")
        curl = pycurl.Curl()
        curl.setopt(curl.URL, quote(url, safe=_IN_URLS))
        curl.setopt(curl.HTTPHEADER, [line.encode() for line in lines])
        curl.setopt(curl.PROTOCOLS, curl.PROTO_HTTP | curl.PROTO_HTTPS)
        curl.setopt(curl.HTTP_VERSION, curl.CURL_HTTP_VERSION_1_1)  # many connections are the point
        curl.setopt(curl.CONNECTTIMEOUT_MS, int(self._limits.connect_timeout * 1000))
        curl.setopt(curl.BUFFERSIZE, RECEIVED)
        curl.setopt(curl.PROXY, "")
        curl.setopt(curl.NOSIGNAL, 1)
        if self._certificates:
            curl.setopt(curl.CAINFO, self._certificates)
        return curl
