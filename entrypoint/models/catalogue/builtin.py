"""A: the manifest in use, where it is a file: MODELS_MANIFEST, else `models.toml` in the data folder, else the built-in
catalogue. `load_manifest` handles one at a web address.
"""

from __future__ import annotations

import os

from entrypoint.models.catalogue.manifest import BadManifest, Manifest, parse
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.files import read_bytes

CATALOGUE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalogue.toml")
#: Bytes of a manifest, at most.
LARGEST = 1 << 20


def local_manifest(settings: Settings, paths: Paths) -> Manifest | None:
    """The manifest in use; None: it is at a web address. Raises BadManifest: it can't be used."""
    where = settings.models_manifest
    if not where:
        where = f"{paths.data}/models.toml"
        if not os.path.exists(where):
            return catalogue()
    return with_catalogue(read_manifest(where), where) if where.startswith("/") else None


def with_catalogue(text: str, where: str) -> Manifest:
    """The user's manifest, behind the catalogue where it says `extends_catalogue`. Raises BadManifest if unusable."""
    own = parse(text, where)
    return own.behind(catalogue()) if own.extends_catalogue else own


def catalogue() -> Manifest:
    """The built-in catalogue."""
    return parse(read_manifest(CATALOGUE), "the built-in catalogue")


def bundle_flags() -> tuple[str, ...]:
    """The names of the catalogue's flags."""
    return ("DOWNLOAD_ALL", *(f"DOWNLOAD_{bundle.name}" for bundle in catalogue().bundles))


def read_manifest(path: str) -> str:
    """The text of a manifest. Raises BadManifest: it is no regular file, cannot be read, is too large, or not UTF-8."""
    try:
        return read_bytes(path, LARGEST).decode()
    except OSError as error:
        raise BadManifest(f"cannot use {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadManifest(f"cannot use {path}: it is not UTF-8 text") from None
