"""The APIs of the hub, Civitai and GitHub at one origin, in the shapes that their documentation gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from aiohttp import web

from entrypoint.models.sources.civitai import Civitai
from entrypoint.models.sources.github import GitHubRelease
from entrypoint.models.sources.huggingface import HuggingFace
from entrypoint.models.sources.registry import Sources
from entrypoint.models.sources.url import PlainUrl
from tests.support.models.origin import Fault, Origin


def sources_at(origin: Origin) -> Sources:
    """The registry's sources, all of them at the origin."""
    url = origin.hub_url
    return HuggingFace(url), GitHubRelease(url, url), Civitai(url), PlainUrl()


def siblings(origin: Origin, *paths: str) -> dict[str, Any]:
    """`GET /api/models/<repository>/revision/<revision>?blobs=true` of files that the origin serves by their names."""
    found = []
    for path in paths:
        content = origin.files.get(path.rpartition("/")[2], b"")
        digest = hashlib.sha256(content).hexdigest()
        found.append({"rfilename": path, "size": len(content), "lfs": {"sha256": digest, "size": len(content)}})
    return {"id": "o/r", "sha": "0" * 40, "siblings": found}


def version(origin: Origin, name: str, kind: str, **file: Any) -> dict[str, Any]:
    """`GET /api/v1/model-versions/345`: the file that the origin serves by this name, and one of training data."""
    content = origin.files[name]
    mine = {
        "id": 7, "name": name, "type": "Model", "primary": True, "sizeKB": len(content) / 1024,
        "hashes": {"SHA256": hashlib.sha256(content).hexdigest().upper()},
        "downloadUrl": f"{origin.hub_url}/api/download/models/345",
    }  # fmt: skip
    other = {"id": 8, "name": "images.zip", "type": "Training Data", "primary": False, "sizeKB": 1.0}
    return {
        "id": 345, "modelId": 12, "name": "v2", "model": {"name": "A model", "type": kind},
        "files": [other, mine | file],
    }  # fmt: skip


def answers(found: dict[str, Any], downloads: dict[str, str] | None = None) -> Fault:
    """A fault that answers these paths with JSON, or with what a function makes of the request; a download of Civitai's
    leads to a file. Every other path is the origin's own."""

    async def answer(origin: Origin, request: web.Request, _before: int) -> web.StreamResponse | None:
        if name := (downloads or {}).get(request.path):
            return web.Response(status=307, headers={"Location": f"{origin.cdn_url}/{name}?sig={origin.signature}"})
        if request.path not in found:
            return web.Response(status=404) if request.path.startswith("/api/") else None
        given = found[request.path]
        made: Callable[[web.Request], web.StreamResponse] | None = given if callable(given) else None
        return made(request) if made else web.json_response(given)

    return answer
