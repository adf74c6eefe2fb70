"""A: loads the manifest in use, from a file or a web address."""

from __future__ import annotations

import os

from entrypoint.models.catalogue.builtin import LARGEST, local_manifest, with_catalogue
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.errors import DownloadError
from entrypoint.models.sources.tokens import manifest_address
from entrypoint.models.transport.address import without_query
from entrypoint.models.transport.client import HttpClient
from entrypoint.models.transport.response_rules import MOST_REDIRECTS, check_encoding, redirected
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


async def load(settings: Settings, paths: Paths, client: HttpClient) -> Manifest:
    """The manifest in use. Raises BadManifest: it can't be used; DownloadError: its address can't be reached."""
    found = local_manifest(settings, paths)
    if found is not None:
        return found
    where = manifest_address(settings, os.environ)
    return with_catalogue(await _get(where, client), without_query(where))


async def _get(url: str, client: HttpClient) -> str:
    remedy, hops = "check MODELS_MANIFEST", 0
    client.allow(url)
    try:
        while True:
            async with client.get(url) as response:
                hops += 1
                target = redirected(url, response.status, response.headers)
                if target and hops <= MOST_REDIRECTS:
                    url = target
                    continue
                if response.status != 200:
                    temporary = response.status >= 500 or response.status == 429
                    reason = f"{without_query(url)}: HTTP {response.status}"
                    raise DownloadError("ManifestUnreachable", reason, remedy, temporary=temporary)
                check_encoding(response.headers)
                return (await response.read(LARGEST)).decode()
    except OSError as error:
        reason = f"{without_query(url)}: {type(error).__name__}"
        raise DownloadError("ManifestUnreachable", reason, remedy, temporary=True) from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {without_query(url)}: it is not UTF-8 text") from None
