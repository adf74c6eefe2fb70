"""P: Civitai: the files of a model version; its API knows their names, and of which kind the model is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

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
    sha256_in,
    without_credentials,
)
from entrypoint.models.sources.endings import is_model

if TYPE_CHECKING:
    from entrypoint.models.sources.hits import Hit
    from entrypoint.models.sources.model_file import File

_DOWNLOAD = r"/api/download/models/(\d+)"
_VERSION = r"(?:/api/v1)?/model-versions/(\d+)(?:/.*)?"
_MODEL = r"(?:/api/v1)?/models/(\d+)(?:/.*)?"
#: The site's hosts: one model has the same number at each.
_HOSTS = ("civitai.com", "civitai.red", "civitai.green")
_CHOOSE = "choose a version on the model's page: its address then ends with ?modelVersionId=..."
#: The site's kind of model (`ModelType`, developer.civitai.com/site/reference/models) -> ComfyUI's folder.
_FOLDERS = {
    "checkpoint": "checkpoints", "textualinversion": "embeddings", "hypernetwork": "hypernetworks", "lora": "loras",
    "locon": "loras", "dora": "loras", "controlnet": "controlnet", "upscaler": "upscale_models", "vae": "vae",
    "motionmodule": "animatediff_models",
}  # fmt: skip
#: Models that a search looks at.
_SEARCHED = 10
#: Kinds of a version's files that are no models.
_OTHER_FILES = ("Training Data", "Config", "Archive", "Workflow")


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

    def recognise(self, url: str, parts: SplitResult) -> Found | Question | None:
        """A model's page, a version of it, or a download; a token in the address is left out."""
        if host_of(parts) not in _HOSTS:
            return None
        (kept, had_token), path = without_credentials(parts.query), parts.path
        notes = ("the token in the address is not kept: set CIVITAI_TOKEN",) if had_token else ()
        query = {name: values[0] for name, values in parse_qs(kept).items()}
        if found := re.fullmatch(_DOWNLOAD, path):
            keys = {"source": self.name, "version_id": found[1]}
            if query:  # which of the version's files
                keys = {"source": "url", "url": f"https://civitai.com{path}?{kept}"}
            return self._version(found[1], query, Found(keys, "", path, notes), notes)
        version, model = query.get("modelVersionId", ""), re.fullmatch(_MODEL, path)
        if found := re.fullmatch(_VERSION, path):
            version = found[1]
        if version.isdigit():
            keys = {"source": self.name, "version_id": version}
            return self._version(version, query, Found(keys, "", path, notes), notes)
        if not model:
            raise NotAnAddress("it is a page, not a file: open a model and copy its address")
        return Question(self.name, "model", {"model": model[1]}, f"Civitai's model {model[1]}", _CHOOSE, notes=notes)

    def _version(self, version: str, query: Mapping[str, str], found: Found, notes: tuple[str, ...]) -> Question:
        subject = {"version": version, **{name: text for name, text in query.items() if name in _CHOICES}}
        what = f"version {version} of a model of Civitai"
        return Question(self.name, "version", subject, what, _CHOOSE, found=found, notes=notes)

    async def answer(self, question: Question, ask: AskJson) -> Listing:
        """The files of a version, or of a model's newest (developer.civitai.com/site/reference).

        `GET /api/v1/model-versions/<id>`; `GET /api/v1/models/<id>`.
        """
        notes = question.notes
        if question.kind == "model":
            model = await ask(f"{self.home}/api/v1/models/{question.subject['model']}")
            versions = member(model, "modelVersions")
            tables = [each for each in versions if isinstance(each, dict)] if isinstance(versions, list) else []
            if not tables:
                raise NotAnAddress(f"{question.what} has no version that can be downloaded")
            facts, kind = tables[0], member(model, "type")
            if len(tables) > 1:
                name = "".join(each for each in str(facts.get("name"))[:60] if each.isprintable())
                notes += (f"it is the newest of {len(tables)} versions, {name}; for another one {_CHOOSE}",)
        else:
            facts = await ask(f"{self.home}/api/v1/model-versions/{question.subject['version']}")
            kind = member(facts, "model", "type")
        return self._listing(facts, kind, question, notes)

    def _listing(self, facts: Any, kind: Any, question: Question, notes: tuple[str, ...]) -> Listing:
        version, primary = member(facts, "id"), _primary(facts) or next(iter(_tables(facts)), None)
        if not isinstance(version, int) or not primary:
            raise NotAnAddress(f"{question.what} has no file that can be downloaded")
        chosen = next((each for each in _tables(facts) if _is_meant(each, question.subject)), primary)
        found, preferred = list[Listed](), None
        for each in _tables(facts):
            if (file := self.listed(each, version, kind, is_primary=each is primary)) is not None:
                found.append(file)
                preferred = file if each is chosen else preferred
        return Listing(found, str(version), "", preferred, notes)

    def listed(self, file: Mapping[str, Any], version: int, kind: Any, *, is_primary: bool) -> Listed | None:
        """A file of a version, as the API describes it; None: it is no model, or it has no address of its own.

        `kind`: of the model.
        """
        name, size, address = file.get("name"), file.get("sizeKB"), str(file.get("downloadUrl") or "")
        if not isinstance(name, str) or file.get("type") in _OTHER_FILES:
            return None
        keys = {"source": self.name, "version_id": str(version)}
        if not is_primary:
            if origin_of(address) != origin_of(self.home):
                return None
            parts = urlsplit(address)
            query, _ = without_credentials(parts.query)
            keys = {"source": "url", "url": f"{self.home}{parts.path}" + (f"?{query}" if query else "")}
        folder = _FOLDERS.get(str(kind).lower(), "")
        folder = "vae" if file.get("type") == "VAE" else folder
        if folder == "checkpoints" and name.lower().endswith(".gguf"):
            folder = "diffusion_models"
        count = int(size * 1024) if isinstance(size, int | float) and 0 < size < 1e12 else 0
        return Listed(name, keys, count, sha256_in(member(file, "hashes", "SHA256")), folder)

    async def search(self, words: str, ask: AskJson) -> list[Hit]:
        """Files of this name, or models by these words (`GET /api/v1/models?query=`)."""
        found: list[Hit] = []
        name = words.rpartition("/")[2].casefold()
        query = quote(name.rpartition(".")[0] if is_model(name) else words, safe="")
        facts = await ask(f"{self.home}/api/v1/models?query={query}&limit={_SEARCHED}&nsfw=true")
        items = member(facts, "items")
        for item in items if isinstance(items, list) else ():
            versions = member(item, "modelVersions")
            tables = [each for each in versions if isinstance(each, dict)] if isinstance(versions, list) else []
            for version in tables if is_model(name) else tables[:1]:
                found += self._hits(version, item, lambda file: not is_model(name) or _name_of(file) == name)
        return found

    async def by_hash(self, sha256: str, ask: AskJson) -> list[Hit]:
        """The version with this file (`GET /api/v1/model-versions/by-hash/<hash>`)."""
        version = await ask(f"{self.home}/api/v1/model-versions/by-hash/{sha256}")
        model = {"id": member(version, "modelId"), "name": member(version, "model", "name")}
        return self._hits(version, model, lambda file: sha256_in(member(file, "hashes", "SHA256")) == sha256)

    def _hits(self, version: Any, model: Any, wanted: Callable[[Any], bool]) -> list[Hit]:
        from entrypoint.models.sources.hits import Hit, count_of  # for this question alone

        number, identifier = member(version, "id"), member(model, "id")
        if not isinstance(number, int) or not isinstance(identifier, int):
            return []
        stats = member(version, "stats", "downloadCount") or member(model, "stats", "downloadCount")
        where = f"{str(member(model, 'name'))[:60]} at Civitai"
        found, primary = list[Hit](), _primary(version)
        for each in filter(wanted, _tables(version)):
            file = self.listed(each, number, member(model, "type"), is_primary=each is primary)
            if file is not None:
                more = "" if each is primary else f"&fileId={each.get('id')}"
                address = f"https://civitai.com/models/{identifier}?modelVersionId={number}{more}"
                found.append(Hit(address, where, file.size, file.sha256, count_of(stats)))
        return found

    async def look_up(self, file: File, ask: AskJson, *, has_token: bool) -> tuple[str, str]:
        """The SHA-256 (`GET /api/v1/model-versions/<id>`, developer.civitai.com)."""
        facts = await ask(f"{self.home}/api/v1/model-versions/{file.keys['version_id']}")
        return "", sha256_in(member(_primary(facts), "hashes", "SHA256"))


#: Parts of a download's query that choose among a version's files -> where the API has the same.
_CHOICES: dict[str, tuple[str, ...]] = {
    "type": ("type",), "format": ("metadata", "format"), "size": ("metadata", "size"), "fp": ("metadata", "fp"),
    "fileId": ("id",),
}  # fmt: skip


def _is_meant(file: Mapping[str, Any], subject: Mapping[str, str]) -> bool:
    """Whether the address names this file: all that its query gives, and something, is the same."""
    wanted = {name: text for name, text in subject.items() if name in _CHOICES}
    return bool(wanted) and all(str(member(file, *_CHOICES[name])) == text for name, text in wanted.items())


def _name_of(file: Any) -> str:
    return str(member(file, "name")).casefold()


def _tables(facts: Any) -> list[dict[str, Any]]:
    files = member(facts, "files")
    return [each for each in files if isinstance(each, dict)] if isinstance(files, list) else []


def _primary(facts: Any) -> Any:
    tables = _tables(facts)
    return next((each for each in tables if each.get("primary")), tables[0] if len(tables) == 1 else None)
