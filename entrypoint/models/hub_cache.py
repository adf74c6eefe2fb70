"""A: files that other programs have left in a cache of the Hugging Face hub.

A cache has `models--<owner>--<name>/blobs/<etag>`, a regular file each, which the etag names: for a file in large file
storage its SHA-256 (huggingface.co/docs/huggingface_hub/guides/manage-cache). The links in `snapshots` are never
followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

#: Repositories of one cache that are looked at.
_MOST = 2000
_KINDS = ("models--", "datasets--", "spaces--")


def hub_caches(environ: Mapping[str, str], home: str, volume: str) -> tuple[str, ...]:
    """The folders that may be such a cache: as huggingface_hub finds it, then those of the volume and of RunPod's.

    Args:
        environ: With HF_HUB_CACHE, HF_HOME and XDG_CACHE_HOME, where they are set.
        home: The services' home.
        volume: The volume's mount point, or "".
    """
    folders = [environ.get("HF_HUB_CACHE", ""), environ.get("HUGGINGFACE_HUB_CACHE", "")]
    folders += [f"{environ['HF_HOME']}/hub"] if environ.get("HF_HOME") else []
    folders += [f"{environ['XDG_CACHE_HOME']}/huggingface/hub"] if environ.get("XDG_CACHE_HOME") else []
    # RunPod's cached models: docs.runpod.io/serverless/endpoints/model-caching
    for top in dict.fromkeys((f"{home}/.cache", "/workspace/.cache", f"{volume}/.cache" if volume else "")):
        folders += [f"{top}/huggingface/hub"] if top else []
    folders += [f"{volume}/huggingface-cache/hub"] if volume else []
    return tuple(dict.fromkeys(each for each in folders if each.startswith("/")))


def blobs(caches: tuple[str, ...], sha256: str, repository: str = "") -> Iterator[str]:
    """The paths of the blobs that are named `sha256`, those of `repository` (`owner/name`) first."""
    own = f"models--{repository.replace('/', '--')}"
    for cache in caches:
        try:
            names = os.listdir(cache)[:_MOST]
        except OSError:
            continue
        repositories = sorted((name for name in names if name.startswith(_KINDS)), key=lambda name: name != own)
        for name in repositories:
            path = f"{cache}/{name}/blobs/{sha256}"
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield path
            except OSError:
                continue
