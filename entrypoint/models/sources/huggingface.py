"""P: Hugging Face: files of a repository, from the hub or a mirror of it (HF_ENDPOINT)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from entrypoint.models.sources.base import REPO_NAME, Found, Key, NotAnAddress, Source, host_of, repo_keys, sha256_in

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File

#: Old models have no owner (gpt2); the revision of a pull request is refs/pr/1.
_FILE = r"/((?:[^/]+/)?[^/]+)/(?:resolve|blob|raw)/(refs/[^/]+/[^/]+|[^/]+)/(.+)"
_OTHER_FILE = r"(/(?:datasets|spaces)/[^/]+(?:/[^/]+)?)/(?:resolve|blob|raw)/(.+)"


class HuggingFace(Source):
    """The hub. `keys`: `repo_id`, `path`, `revision` ("main")."""

    name = "huggingface"
    keys: ClassVar[Mapping[str, Key]] = {
        **repo_keys(revision_required=False),
        "repo_id": Key(lambda text: re.fullmatch(rf"({REPO_NAME}/)?{REPO_NAME}", text), "must be owner/name"),
    }
    home = "https://huggingface.co"
    login_variable = "HF_TOKEN"
    home_setting = "hf_endpoint"
    # The hub answers 401 for a repository that does not exist, too.
    login_remedy = "check the name; if the model is private or gated, accept the terms on its page and set HF_TOKEN"

    def address(self, file: File) -> str:
        """`/<repository>/resolve/<revision>/<path>`, which redirects to the bytes."""
        revision = quote(file.keys.get("revision", "main"), safe="")
        return f"{self.home}/{file.keys['repo_id']}/resolve/{revision}/{quote(file.keys['path'])}"

    def recognise(self, url: str, parts: SplitResult) -> Found | None:
        """A file's page, its raw text, or its download."""
        if host_of(parts) not in ("huggingface.co", "hf.co", urlsplit(self.home).hostname):
            return None
        if found := re.fullmatch(_OTHER_FILE, parts.path):
            keys = {"source": "url", "url": f"{self.home}{found[1]}/resolve/{found[2]}"}
            return Found(keys, unquote(found[2].rpartition("/")[2]), parts.path)
        found = re.fullmatch(_FILE, parts.path)
        if not found:
            raise NotAnAddress("it is a repository, not a file: open the file under `Files` and copy that address")
        repo, revision, path = (unquote(part) for part in found.groups())
        keys = {"source": self.name, "repo_id": repo, "path": path}
        if revision != "main":
            keys["revision"] = revision
        return Found(keys, path.rpartition("/")[2], f"{repo}/{path}")

    def facts_in(self, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """X-Linked-Size and X-Linked-Etag: of a file in large file storage, its size and SHA-256."""
        size = headers.get("X-Linked-Size", "")
        digest = sha256_in(headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"'))
        return int(size) if size.isdigit() else None, digest

    def needs_login(self, status: int, headers: Mapping[str, str]) -> bool:
        """The hub refuses a gated model with 403 and X-Error-Code."""
        return status == 403 and headers.get("X-Error-Code") == "GatedRepo"
