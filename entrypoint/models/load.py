"""A: the manifest that counts: MODELS_MANIFEST, else `models.toml` in the data folder, else the catalogue."""

from __future__ import annotations

import os

import aiohttp

from entrypoint.models.answers import Failed
from entrypoint.models.manifest import BadManifest, Manifest, parse
from entrypoint.models.sources import shown
from entrypoint.paths import Paths
from entrypoint.settings import Settings

CATALOGUE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalogue.toml")
_LARGEST = 1 << 20


async def load(settings: Settings, paths: Paths, session: aiohttp.ClientSession) -> Manifest:
    """Read it.

    Raises:
        BadManifest: It can't be used.
        Failed: It can't be reached.
    """
    catalogue = parse(_read(CATALOGUE), "the built-in catalogue")
    where = settings.models_manifest
    if not where:
        where = f"{paths.data}/models.toml"
        if not os.path.exists(where):
            return catalogue
    local = where.startswith("/")
    text = _read(where) if local else await _get(where, session)
    own = parse(text, where if local else shown(where))
    return own.behind(catalogue) if own.extends_catalogue else own


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise BadManifest(f"cannot use {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {path}: it is not UTF-8 text") from None


async def _get(url: str, session: aiohttp.ClientSession) -> str:
    remedy = "check MODELS_MANIFEST"
    try:
        async with session.get(url) as answer:
            if answer.status != 200:
                temporary = answer.status >= 500 or answer.status == 429
                raise Failed(
                    "ManifestUnreachable", f"{shown(url)}: HTTP {answer.status}", remedy, temporary=temporary
                )
            return (await answer.content.read(_LARGEST)).decode()
    except (aiohttp.ClientError, OSError) as error:
        reason = f"{shown(url)}: {type(error).__name__}"
        raise Failed("ManifestUnreachable", reason, remedy, temporary=True) from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {shown(url)}: it is not UTF-8 text") from None
