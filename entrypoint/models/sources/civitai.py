"""P: Civitai: the primary file of a model version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, parse_qs

from entrypoint.models.sources.base import (
    AskJson,
    Found,
    Key,
    NotAnAddress,
    Source,
    host_of,
    member,
    sha256_in,
    without_credentials,
)

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File

_DOWNLOAD = r"/api/download/models/(\d+)"
_VERSION = r"(?:/api/v1)?/model-versions/(\d+)(?:/.*)?"
#: The site's hosts: one model has the same number at each.
_HOSTS = ("civitai.com", "civitai.red", "civitai.green")


class Civitai(Source):
    """The site. `keys`: `version_id`."""

    name = "civitai"
    keys: ClassVar[Mapping[str, Key]] = {
        "version_id": Key(str.isdigit, "must be the number of a model version", number=True)
    }
    home = "https://civitai.com"
    login_variable = "CIVITAI_TOKEN"
    login_remedy = "check that the model's page opens with your account and set CIVITAI_TOKEN"

    def address(self, file: File) -> str:
        """`/api/download/models/<version>`, which redirects to the bytes."""
        return f"{self.home}/api/download/models/{file.keys['version_id']}"

    def recognise(self, url: str, parts: SplitResult) -> Found | None:
        """A model's page with a version, or a download; a token in the address is left out."""
        if host_of(parts) not in _HOSTS:
            return None
        (kept, had_token), path = without_credentials(parts.query), parts.path
        notes = ("the token in the address is not kept: set CIVITAI_TOKEN",) if had_token else ()
        query = parse_qs(kept)
        if found := re.fullmatch(_DOWNLOAD, path):
            if query:  # which of the version's files
                return Found({"source": "url", "url": f"https://civitai.com{path}?{kept}"}, "", path, notes)
            return Found({"source": self.name, "version_id": found[1]}, "", path, notes)
        version = query.get("modelVersionId", [""])[0]
        if found := re.fullmatch(_VERSION, path):
            version = found[1]
        if not version.isdigit():
            raise NotAnAddress("choose a version on the model's page: its address then ends with ?modelVersionId=...")
        return Found({"source": self.name, "version_id": version}, "", path, notes)

    async def look_up(self, file: File, ask: AskJson, *, has_token: bool) -> tuple[str, str]:
        """The SHA-256 (`GET /api/v1/model-versions/<id>`, developer.civitai.com)."""
        facts = await ask(f"{self.home}/api/v1/model-versions/{file.keys['version_id']}")
        return "", sha256_in(member(_primary(facts), "hashes", "SHA256"))


def _primary(facts: Any) -> Any:
    files = member(facts, "files")
    tables = [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []
    return next((each for each in tables if each.get("primary")), tables[0] if len(tables) == 1 else None)
