"""A: the manifest that counts, wherever it is."""

from __future__ import annotations

import aiohttp

from entrypoint.models.answers import Failed
from entrypoint.models.local_manifest import LARGEST, local_manifest, with_catalogue
from entrypoint.models.manifest import BadManifest, Manifest
from entrypoint.models.sources import shown
from entrypoint.paths import Paths
from entrypoint.settings import Settings


async def load(settings: Settings, paths: Paths, session: aiohttp.ClientSession) -> Manifest:
    """Read it.

    Raises:
        BadManifest: It can't be used.
        Failed: It can't be reached.
    """
    found = local_manifest(settings, paths)
    if found is not None:
        return found
    where = settings.models_manifest
    return with_catalogue(await _get(where, session), shown(where))


async def _get(url: str, session: aiohttp.ClientSession) -> str:
    remedy = "check MODELS_MANIFEST"
    try:
        async with session.get(url) as answer:
            if answer.status != 200:
                temporary = answer.status >= 500 or answer.status == 429
                raise Failed(
                    "ManifestUnreachable", f"{shown(url)}: HTTP {answer.status}", remedy, temporary=temporary
                )
            return (await answer.content.read(LARGEST)).decode()
    except (aiohttp.ClientError, OSError) as error:
        reason = f"{shown(url)}: {type(error).__name__}"
        raise Failed("ManifestUnreachable", reason, remedy, temporary=True) from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {shown(url)}: it is not UTF-8 text") from None
