"""A: questions to the sites' APIs: JSON, with the site's token, which no redirect takes elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from entrypoint.models.errors import DownloadError
from entrypoint.models.sources.base import origin_of
from entrypoint.models.sources.registry import Sources, configured, login_remedy
from entrypoint.models.sources.tokens import Tokens, logins
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.limits import Limits
from entrypoint.models.transport.private_networks import host_of
from entrypoint.models.transport.response_rules import redirected
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings

#: Bytes of a response: a repository of 20,000 files has about 8 MB. Redirects: a renamed repository has one.
LARGEST, _MOST_REDIRECTS = 16 << 20, 3
_BRIEF = Limits(connect_timeout=8.0, stall_timeout=20.0)  # a long list of files may take that at 1 MB/s
_CHECK_NETWORK = "check the pod's network, then try again"


class SiteApi:
    """The APIs of all sites, over one client."""

    def __init__(self, client: HttpClient, sources: Sources, tokens: Tokens) -> None:
        self._client, self.sources, self._tokens = client, sources, tokens
        client.allow(*(address for each in sources for address in (each.home, each.api) if address))

    async def ask(self, url: str) -> Any:
        """The JSON at an address of a site's API. Raises DownloadError: the site does not give it."""
        first = url
        for _ in range(_MOST_REDIRECTS):
            try:
                headers = {"Accept": "application/json", **self._tokens.headers(url, first)}
                async with self._client.get(url, headers) as response:
                    if response.status == 200:
                        return json.loads(await response.read(LARGEST))
                    target = redirected(url, response.status, response.headers)
                    if not target or origin_of(target) != origin_of(first):
                        raise self._refusal(first, response.status, bool(target))
                    url = target
            except OSError as error:
                reason = f"{host_of(first)} does not respond ({' '.join(str(error).split())[:120]})"
                raise DownloadError("NotAsked", reason, _CHECK_NETWORK, temporary=True) from None
            except (ValueError, RecursionError):
                reason = f"the response of {host_of(first)} is not JSON, or has more than {LARGEST >> 20} MB"
                raise DownloadError("BadResponse", reason, "paste the address of one file") from None
        raise self._refusal(first, 302, elsewhere=True)

    def _refusal(self, url: str, status: int, elsewhere: bool) -> DownloadError:
        where = without_query(url)
        if status == 429 or status >= 500:
            reason = f"{host_of(url)} answers HTTP {status}"
            return DownloadError("NotAsked", reason, "try again later", temporary=True)
        if status in (401, 403):
            return DownloadError("LoginNeeded", f"HTTP {status} of {where}", login_remedy(url, self.sources))
        if elsewhere:
            return DownloadError("BadRedirect", f"{where} redirects elsewhere", "paste the address of one file")
        return DownloadError(
            "NotFound", f"HTTP {status} of {where}", "check the address: there is nothing by this name"
        )


@contextlib.asynccontextmanager
async def site_api(settings: Settings, paths: Paths) -> AsyncIterator[SiteApi]:
    """The APIs, at the addresses and with the tokens that the pod has."""
    sources = configured(settings)
    async with HttpClient(_BRIEF) as client:
        yield SiteApi(client, sources, Tokens.of(logins(paths, os.environ), sources))
