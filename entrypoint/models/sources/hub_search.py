"""P: a search at the Hugging Face hub, which knows repositories' names, and not their files'.

A file is looked for in the repositories that its name suggests, and in those of the owners whose files most workflows
of ComfyUI name. `GET /api/models` as huggingface_hub 2.4 asks (hf_api.py, `list_models`); `sort` is descending.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

from entrypoint.models.sources.base import AskJson, Listed, member
from entrypoint.models.sources.endings import is_model
from entrypoint.models.sources.hits import Hit, count_of
from entrypoint.models.sources.hub_listing import files_in

#: Of the 323 addresses at the hub in comfyui-workflow-templates 0.11.19, 235 are of the first, 15 and 14 of the others.
_OWNERS = ("Comfy-Org", "Lightricks", "Kijai")
#: What a name has behind the model's: precision, quantisation.
_SUFFIX = re.compile(
    r"[-_.](?:fp\d+|bf16|int[48]|e[45]m[23]\w*|q\d\w*|iq\d\w*|scaled|pruned|ema\w*|comfy\w*|rank\d*)(?![a-z0-9]).*"
)
_REPOSITORIES, _OF_AN_OWNER, MOST = 20, 200, 3


async def search_files(home: str, path: str, ask: AskJson) -> list[Hit]:
    """Files whose name is that of `path`, those of the most downloaded repositories first, with size and SHA-256."""
    name = path.rpartition("/")[2].casefold()
    stem = name.rpartition(".")[0]
    words = dict.fromkeys(each for each in (stem, _SUFFIX.sub("", stem)) if len(each) > 2)
    queries = [f"search={quote(each, safe='')}&limit={_REPOSITORIES}" for each in words]
    queries += [f"author={owner}&limit={_OF_AN_OWNER}" for owner in _OWNERS]
    rest = "&sort=downloads&expand=siblings&expand=downloads"
    answers = await asyncio.gather(*(ask(f"{home}/api/models?{each}{rest}") for each in queries))
    found: dict[str, tuple[int, str]] = {}
    for item in (item for each in answers if isinstance(each, list) for item in each):
        repo = member(item, "id")
        if not isinstance(repo, str):
            continue
        paths = [each.path for each in files_in(item, repo) if each.path.rpartition("/")[2].casefold() == name]
        if paths:
            found[repo] = (count_of(member(item, "downloads")), paths[0])
    best = sorted(found.items(), key=lambda entry: -entry[1][0])[:MOST]
    details = await asyncio.gather(*(_details(home, repo, each, ask) for repo, (_, each) in best))
    return [
        Hit(_address(home, repo, each), f"{repo} at Hugging Face", file.size, file.sha256, downloads)
        for (repo, (downloads, each)), file in zip(best, details, strict=True)
    ]


async def search_repositories(home: str, words: str, ask: AskJson) -> list[Hit]:
    """Repositories by these words, the most downloaded first."""
    query = f"search={quote(words, safe='')}&limit={_REPOSITORIES}&sort=downloads"
    answer = await ask(f"{home}/api/models?{query}&expand=siblings&expand=downloads")
    found = []
    for item in answer if isinstance(answer, list) else ():
        repo = member(item, "id")
        count = sum(is_model(each.path) for each in files_in(item, repo)) if isinstance(repo, str) else 0
        if count:
            where = f"{count} model file{'s' * (count > 1)} at Hugging Face"
            found.append(Hit(f"{home}/{repo}", where, downloads=count_of(member(item, "downloads"))))
    return found


async def _details(home: str, repo: str, path: str, ask: AskJson) -> Listed:
    """The file with its size and hash, where the hub tells them."""
    facts: Any = await ask(f"{home}/api/models/{quote(repo)}/revision/main?blobs=true")
    return next((each for each in files_in(facts, repo) if each.path == path), Listed(path, {}))


def _address(home: str, repo: str, path: str) -> str:
    return f"{home}/{quote(repo)}/resolve/main/{quote(path)}"
