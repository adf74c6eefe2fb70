"""P: whether a site has a newer version than the one that a manifest's file names by its number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrypoint.models.sources.base import AskJson, member
from entrypoint.models.sources.civitai import Civitai

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Newer:
    """A later version of the same model."""

    keys: dict[str, str]  # the manifest's keys of its file
    what: str  # for people


def is_pinned(file: File) -> bool:
    """Whether the manifest names one version for ever: a hash, or a commit."""
    return bool(file.sha256) or bool(re.fullmatch(r"[0-9a-f]{40}", file.keys.get("revision", "")))


async def newer_version(file: File, source: object, ask: AskJson) -> Newer | None:
    """The newest version of a Civitai model that is later than the manifest's and for the same base model.

    `GET /api/v1/model-versions/<id>` tells `modelId`, `baseModel` and `publishedAt`, and `GET /api/v1/models/<id>` has
    all `modelVersions` (developer.civitai.com/site/reference/model-versions). Versions for another base model are other
    models to a workflow, and one in early access cannot be downloaded.
    """
    if not isinstance(source, Civitai):
        return None
    mine = await ask(f"{source.home}/api/v1/model-versions/{file.keys['version_id']}")
    model = member(mine, "modelId")
    if not isinstance(model, int):
        return None
    versions = member(await ask(f"{source.home}/api/v1/models/{model}"), "modelVersions")
    later = [each for each in versions if _is_later(each, mine)] if isinstance(versions, list) else []
    newest = max(later, key=_published, default=None)
    if newest is None:
        return None
    name, base = (_printable(member(newest, key)) for key in ("name", "baseModel"))
    return Newer({"version_id": str(newest["id"])}, f"version {name} ({base}, {_published(newest)[:10]})")


def _is_later(each: Any, mine: Any) -> bool:
    same_base = member(each, "baseModel") == member(mine, "baseModel")
    public = member(each, "availability") in (None, "Public") and member(each, "status") in (None, "Published")
    return isinstance(member(each, "id"), int) and same_base and public and "" < _published(mine) < _published(each)


def _published(version: Any) -> str:
    """ISO 8601 in UTC: texts compare as their times do."""
    text = member(version, "publishedAt") or member(version, "createdAt")
    return text if isinstance(text, str) else ""


def _printable(text: Any) -> str:
    return "".join(each for each in str(text)[:_LONGEST] if each.isprintable())
