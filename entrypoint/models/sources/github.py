"""P: GitHub: the assets of a release, of private repositories too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, quote, unquote

from entrypoint.models.sources.base import (
    AskJson,
    Found,
    Key,
    Listed,
    Listing,
    NotAnAddress,
    Question,
    Source,
    host_of,
    member,
    origin_of,
    repo_keys,
    sha256_in,
)

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File

_ASSET = r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)"
_RELEASE = r"/([^/]+/[^/]+)/releases(?:/(?:tag|expanded_assets)/(.+?)|/latest)?/?"
#: Pages of a repository that are no file.
_PAGE = r"/[^/]+(/[^/]+(/((tree|issues|pull|wiki|discussions|tags|actions|commit|commits|packages)(/.*)?))?)?/?"
_BLOB = r"/([^/]+/[^/]+)/blob/(.+)"
#: A file's text at raw.githubusercontent.com, where a file in large file storage is its pointer alone.
_RAW_HOST, _RAW = "raw.githubusercontent.com", r"/([^/]+/[^/]+)/(.+)"
_NOT_A_FILE = "it is a page, not a file: copy the address of a file under `Assets` or `Code`"


class GitHubRelease(Source):
    """Releases. `keys`: `repo_id`, `revision` (the tag), `path` (the asset's name)."""

    name = "github_release"
    keys: ClassVar[Mapping[str, Key]] = repo_keys(revision_required=True)
    home, api = "https://github.com", "https://api.github.com"
    login_variable = "GITHUB_TOKEN"
    login_remedy = "set GITHUB_TOKEN to a token that may read the repository"

    def address(self, file: File) -> str:
        """`/<repository>/releases/download/<tag>/<asset>`."""
        revision, path = quote(file.keys["revision"]), quote(file.keys["path"])
        return f"{self.home}/{file.keys['repo_id']}/releases/download/{revision}/{path}"

    def recognise(self, url: str, parts: SplitResult) -> Found | Question | None:
        """A release, an asset of it, or a file (at the address that follows a pointer of large file storage)."""
        if host_of(parts) == _RAW_HOST and (found := re.fullmatch(_RAW, parts.path)):
            keys = {"source": "url", "url": f"https://github.com/{found[1]}/raw/{found[2]}"}
            return Found(keys, unquote(parts.path.rpartition("/")[2]), parts.path)
        if host_of(parts) != "github.com":
            return None
        if found := re.fullmatch(_RELEASE, parts.path):
            subject = {"repo_id": found[1], "tag": unquote(found[2] or "")}
            what = f"the release {subject['tag'] or 'latest'} of {found[1]}"
            return Question(self.name, "release", subject, what, _NOT_A_FILE)
        if found := re.fullmatch(_ASSET, parts.path):
            repo, tag, asset = (unquote(part) for part in found.groups())
            return Found({"source": self.name, "repo_id": repo, "revision": tag, "path": asset}, asset, parts.path)
        if found := re.fullmatch(_BLOB, parts.path):
            keys = {"source": "url", "url": f"https://github.com/{found[1]}/raw/{found[2]}"}
            return Found(keys, unquote(parts.path.rpartition("/")[2]), parts.path)
        if re.fullmatch(_PAGE, parts.path):
            raise NotAnAddress(_NOT_A_FILE)
        return None

    async def answer(self, question: Question, ask: AskJson) -> Listing:
        """The assets of a release (`GET /repos/<repository>/releases/tags/<tag>`, docs.github.com, "Releases")."""
        repo, tag = question.subject["repo_id"], question.subject["tag"]
        which = f"tags/{quote(tag, safe='')}" if tag else "latest"
        facts = await ask(f"{self.api}/repos/{repo}/releases/{which}")
        tag = str(member(facts, "tag_name") or tag)
        assets, files = member(facts, "assets"), []
        for each in assets if isinstance(assets, list) else ():
            name, size = member(each, "name"), member(each, "size")
            if isinstance(name, str):
                keys = {"source": self.name, "repo_id": repo, "revision": tag, "path": name}
                digest = sha256_in(str(member(each, "digest") or "").removeprefix("sha256:"))
                files.append(Listed(name, keys, size if isinstance(size, int) and size > 0 else 0, digest))
        return Listing(files, repo.rpartition("/")[2], repo)

    async def look_up(self, file: File, ask: AskJson, *, has_token: bool) -> tuple[str, str]:
        """The asset's API address and digest.

        GitHub serves the assets of private repositories at the API's address alone (docs.github.com, "Get a release
        asset"), and with a token; it states the digests of public ones without.
        """
        tag = quote(file.keys["revision"], safe="")
        asset = _named(await ask(f"{self.api}/repos/{file.keys['repo_id']}/releases/tags/{tag}"), file.keys["path"])
        address = str(member(asset, "url") or "")
        digest = sha256_in(str(member(asset, "digest") or "").removeprefix("sha256:"))
        return address if has_token and origin_of(address) == origin_of(self.api) else "", digest


def _named(facts: Any, name: str) -> Any:
    assets = member(facts, "assets")
    return next((each for each in assets if member(each, "name") == name), None) if isinstance(assets, list) else None
