"""A: the manifest that counts, wherever it is."""

from __future__ import annotations

from entrypoint.models.catalogue.builtin import LARGEST, local_manifest, with_catalogue
from entrypoint.models.catalogue.manifest import BadManifest, Manifest
from entrypoint.models.sources.registry import shown
from entrypoint.models.transport.client import Wire
from entrypoint.models.transport.response_rules import MOST_HOPS, Failed, redirected
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings


async def load(settings: Settings, paths: Paths, wire: Wire) -> Manifest:
    """Read it.

    Raises:
        BadManifest: It can't be used.
        Failed: It can't be reached.
    """
    found = local_manifest(settings, paths)
    if found is not None:
        return found
    where = settings.models_manifest
    return with_catalogue(await _get(where, wire), shown(where))


async def _get(url: str, wire: Wire) -> str:
    remedy, hops = "check MODELS_MANIFEST", 0
    try:
        while True:
            async with wire.get(url) as answer:
                hops += 1
                target = redirected(url, answer.status, answer.headers)
                if target and hops <= MOST_HOPS:
                    url = target
                    continue
                if answer.status != 200:
                    temporary, what = answer.status >= 500 or answer.status == 429, f"HTTP {answer.status}"
                    raise Failed("ManifestUnreachable", f"{shown(url)}: {what}", remedy, temporary=temporary)
                return (await answer.read(LARGEST)).decode()
    except OSError as error:
        reason = f"{shown(url)}: {type(error).__name__}"
        raise Failed("ManifestUnreachable", reason, remedy, temporary=True) from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {shown(url)}: it is not UTF-8 text") from None
