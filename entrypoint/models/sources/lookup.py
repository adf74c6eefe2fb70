"""A: what Civitai and GitHub know of a file beyond its address: its hash, and where a private asset is.

Civitai tells each file's SHA256 (`GET /api/v1/model-versions/<id>`, developer.civitai.com). GitHub serves the assets
of private repositories at the API's address only (docs.github.com, "Get a release asset"), which needs a token.
Neither is needed for a public file: what can't be asked is done without.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from entrypoint.models.catalogue.manifest import File
from entrypoint.models.sources.registry import CIVITAI, GITHUB_API, Tokens, origin_of
from entrypoint.models.transport.client import Wire

_LARGEST = 4 << 20


async def look_up(wire: Wire, file: File, tokens: Tokens) -> tuple[str, str]:
    """(address, sha256) as its site tells them; "" what it does not."""
    if file.source == "civitai":
        facts = await _ask(wire, f"{CIVITAI}/api/v1/model-versions/{file.version_id}", tokens)
        return "", _sha256(_get(_primary(facts), "hashes", "SHA256"))
    if file.source == "github_release" and tokens.headers(GITHUB_API, GITHUB_API):
        url = f"{GITHUB_API}/repos/{file.repo_id}/releases/tags/{quote(file.revision, safe='')}"
        asset = _named(await _ask(wire, url, tokens), file.path)
        address = str(_get(asset, "url") or "")
        ours = origin_of(address) == origin_of(GITHUB_API)
        return address if ours else "", _sha256(str(_get(asset, "digest") or "").removeprefix("sha256:"))
    return "", ""


async def _ask(wire: Wire, url: str, tokens: Tokens) -> Any:
    """The JSON there, or None. No redirect is followed: the login stays here."""
    ask = {"Accept": "application/json", **tokens.headers(url, url)}
    try:
        async with wire.get(url, ask) as answer:
            return json.loads(await answer.read(_LARGEST)) if answer.status == 200 else None
    except (OSError, ValueError):
        return None


def _primary(facts: Any) -> Any:
    files = _get(facts, "files")
    tables = [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return next((each for each in tables if each.get("primary")), tables[0] if len(tables) == 1 else None)


def _named(facts: Any, name: str) -> Any:
    assets = _get(facts, "assets")
    return next((each for each in assets if _get(each, "name") == name), None) if isinstance(assets, list) else None


def _get(facts: Any, *keys: str) -> Any:
    for key in keys:
        facts = facts.get(key) if isinstance(facts, dict) else None
    return facts


def _sha256(text: Any) -> str:
    lowered = text.lower() if isinstance(text, str) else ""
    return lowered if len(lowered) == 64 and not set(lowered) - set("0123456789abcdef") else ""
