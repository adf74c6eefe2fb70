"""P: Hugging Face: files of a repository, from the hub or a mirror of it (HF_ENDPOINT)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from entrypoint.models.sources.base import (
    REPO_NAME,
    AskJson,
    Found,
    Key,
    Listing,
    NotAnAddress,
    Question,
    Source,
    host_of,
    repo_keys,
    sha256_in,
)
from entrypoint.models.sources.endings import is_model
from entrypoint.models.sources.hub_listing import INDEX, files_in, models_of_collection, parts_of_index

if TYPE_CHECKING:
    from entrypoint.models.sources.hits import Hit
    from entrypoint.models.sources.model_file import File

#: Old models have no owner (gpt2); the revision of a pull request is refs/pr/1, also in an address.
_REVISION = r"(refs/[^/]+/[^/]+|[^/]+)"
_FILE = rf"/((?:[^/]+/)?[^/]+)/(?:resolve|blob|raw)/{_REVISION}/(.+)"
_OTHER_FILE = r"(/(?:datasets|spaces)/[^/]+(?:/[^/]+)?)/(?:resolve|blob|raw)/(.+)"
_OTHER = r"/(datasets|spaces|buckets)/.+"
_FOLDER = rf"/((?:[^/]+/)?[^/]+)(?:/tree/{_REVISION}(?:/(.+?))?)?/?"
_API = r"/api/models/([^/]+/[^/]+)(?:/(?:revision|tree)/.*)?"
_COLLECTION = r"/collections/([^/]+/[^/]+)/?"
#: Pages of the hub that stand where an owner does.
_PAGES = frozenset({
    "api", "blog", "chat", "collections", "docs", "enterprise", "join", "learn", "login", "models", "new",
    "organizations", "papers", "posts", "pricing", "search", "settings", "tasks", "front",
})  # fmt: skip
#: Hosts of the hub's storage: an address there is signed for some minutes.
_STORAGE = (".xethub.hf.co", "cdn-lfs.huggingface.co", "cdn-lfs.hf.co")
_ONE_FILE = "it is a repository, not a file: open the file under `Files` and copy that address"


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

    def recognise(self, url: str, parts: SplitResult) -> Found | Question | None:
        """A file's page, its raw text, its download; a repository, a folder, an index of parts, a collection."""
        host = host_of(parts)
        if host.endswith(_STORAGE):
            raise NotAnAddress("it is the address of one download, which expires: copy the address of the file's page")
        if host not in ("huggingface.co", "hf.co", urlsplit(self.home).hostname):
            return None
        path = re.sub("//+", "/", parts.path)
        if found := re.fullmatch(_OTHER_FILE, path):
            keys = {"source": "url", "url": f"{self.home}{found[1]}/resolve/{found[2]}"}
            return Found(keys, unquote(found[2].rpartition("/")[2]), path)
        if found := re.fullmatch(_OTHER, path):
            kind = {"datasets": "a dataset", "spaces": "a Space", "buckets": "a bucket"}[found[1]]
            raise NotAnAddress(f"it is {kind}, not a file: open the file under `Files` and copy that address")
        if found := re.fullmatch(_FILE, path):
            return self._file(*(unquote(part) for part in found.groups()))
        if found := re.fullmatch(_COLLECTION, path):
            slug = unquote(found[1])
            refusal = "it is a collection, not a file: open one of its models and copy that address"
            return Question(self.name, "collection", {"slug": slug}, f"the collection {slug}", refusal)
        return self._repository(path)

    def _file(self, repo: str, revision: str, path: str) -> Found | Question:
        keys = {"source": self.name, "repo_id": repo, "path": path}
        if revision != "main":
            keys["revision"] = revision
        name = path.rpartition("/")[2]
        found = Found(keys, name, f"{repo}/{path}")
        if re.fullmatch(INDEX, name):
            subject = {"repo_id": repo, "revision": revision, "index": path}
            refusal = "it is the index of a model in parts: paste the address of its first part"
            return Question(self.name, "index", subject, f"{repo}/{path}", refusal)
        return found

    def _repository(self, path: str) -> Question:
        found = re.fullmatch(_API, path) or re.fullmatch(_FOLDER, path)
        if not found or found[1].partition("/")[0] in _PAGES:
            raise NotAnAddress(
                "it is a page, not a file: open a model and copy its address, or that of one of its files"
            )
        repo, revision, folder = (unquote(part or "") for part in (*found.groups(), "", "")[:3])
        if not all(re.fullmatch(REPO_NAME, part) for part in repo.split("/")):
            raise NotAnAddress("it is no repository's name: copy the address of a model's page")
        subject = {"repo_id": repo, "revision": revision or "main", "folder": folder.strip("/")}
        what = f"the folder {subject['folder']} of {repo}" if folder else f"the repository {repo}"
        return Question(self.name, "repository", subject, what, _ONE_FILE)

    async def answer(self, question: Question, ask: AskJson) -> Listing:
        """The files of a repository, a folder or an index; a collection's models are named.

        `GET /api/models/<repository>/revision/<revision>?blobs=true` and `GET /api/collections/<slug>`, as
        huggingface_hub 2.4 asks (hf_api.py, `model_info`, `get_collection`).
        """
        subject = question.subject
        if question.kind == "collection":
            raise NotAnAddress(models_of_collection(await ask(f"{self.home}/api/collections/{quote(subject['slug'])}")))
        repo, revision = subject["repo_id"], subject["revision"]
        where = f"{quote(repo)}/revision/{quote(revision, safe='')}"
        files = list(files_in(await ask(f"{self.home}/api/models/{where}?blobs=true"), repo, revision))
        name = repo.rpartition("/")[2]
        if index := subject.get("index"):
            return Listing(parts_of_index(files, index), name, repo)
        if folder := subject.get("folder"):
            file = next((each for each in files if each.path == folder), None)  # a file's path, behind `tree`
            if file is not None:
                file.path = file.path.rpartition("/")[2]
                return Listing([file], name, f"{repo}/{folder}")
            inside = [each for each in files if each.path.startswith(f"{folder}/")]
            for each in inside:
                each.path = each.path.removeprefix(f"{folder}/")
            if not inside:
                raise NotAnAddress(f"{repo} has no folder {folder}")
            return Listing(inside, folder.rpartition("/")[2], f"{repo}/{folder}")
        return Listing(files, name, repo)

    async def search(self, words: str, ask: AskJson) -> list[Hit]:
        """Files of this name, or repositories by these words (`hub_search`)."""
        from entrypoint.models.sources.hub_search import search_files, search_repositories  # for this question alone

        return await (search_files if is_model(words) else search_repositories)(self.home, words, ask)

    def facts_in(self, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """X-Linked-Size and X-Linked-Etag: of a file in large file storage, its size and SHA-256."""
        size = headers.get("X-Linked-Size", "")
        digest = sha256_in(headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"'))
        return int(size) if size.isdigit() else None, digest

    def needs_login(self, status: int, headers: Mapping[str, str]) -> bool:
        """The hub refuses a gated model with 403 and X-Error-Code."""
        return status == 403 and headers.get("X-Error-Code") == "GatedRepo"
