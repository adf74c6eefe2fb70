"""P: a model source: one site that serves model files. Each site is a subclass in a file of its own.

On the boot path (`tokens.keep_logins`): patterns are compiled on first use, by `re`'s own cache, and no dataclass is
made here (0.5 ms each).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, unquote_plus, urlsplit

if TYPE_CHECKING:
    from entrypoint.models.sources.hits import Hit
    from entrypoint.models.sources.model_file import File

#: Requests JSON at an address, with the site's token; None where the site does not serve it.
AskJson = Callable[[str], Awaitable[Any]]


class NotAnAddress(Exception):
    """A pasted address that names no file; the message says what to do."""


class Found:
    """What a pasted address says.

    `keys`: of the manifest's `[[files]]`: `source`, and the keys of that source; `name`: the file's, or "" where the
    address has none; `words`: text that the kind of model may be recognised from; `notes`: what the user should know.
    """

    def __init__(self, keys: dict[str, str], name: str, words: str, notes: tuple[str, ...] = ()) -> None:
        self.keys, self.name, self.words, self.notes = keys, name, words, notes


class Question:
    """A pasted address whose files the site's API has to tell: a repository, a release, a model's page.

    `source`: the name of the source that answers; `kind`: of what it leads to, for that source alone; `subject`: which
    one; `what`: it, for messages; `refusal`: what the user does where one file is due; `include`: patterns of paths
    that were pasted with it; `found`: what the address says already, where a full destination is all that it lacks.
    """

    def __init__(
        self, source: str, kind: str, subject: Mapping[str, str], what: str, refusal: str, *,
        include: tuple[str, ...] = (), found: Found | None = None, notes: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.source, self.kind, self.subject, self.what, self.refusal = source, kind, subject, what, refusal
        self.include, self.found, self.notes = include, found, notes


class Listed:
    """A file as a site's API lists it.

    `path`: below what was asked for; `keys`: as in `Found`; `size`: bytes, 0: not known; `sha256`: or ""; `folder`: the
    model folder that the site's own kind of model means, or "".
    """

    def __init__(self, path: str, keys: dict[str, str], size: int = 0, sha256: str = "", folder: str = "") -> None:
        self.path, self.keys, self.size, self.sha256, self.folder = path, keys, size, sha256, folder


class Listing:
    """The files that a question is answered with.

    `files`: in the site's order; `name`: a folder's name for those that stay together; `preferred`: the one that the
    site itself would give, or None; `words`: as in `Found`, for every file; `notes`: what the user should know.
    """

    def __init__(
        self, files: list[Listed], name: str, words: str = "", preferred: Listed | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.files, self.name, self.words, self.preferred, self.notes = files, name, words, preferred, notes


class Key:
    """One key of a source in the manifest.

    `check`: whether a text is a valid value; `wanted`: what the value must be, for the error message; `required`:
    whether the source needs the key; `number`: whether a whole number is accepted beside text.
    """

    def __init__(
        self, check: Callable[[str], object], wanted: str, *, required: bool = True, number: bool = False
    ) -> None:
        self.check, self.wanted, self.required, self.number = check, wanted, required, number


class Source:
    """One site that serves model files.

    A subclass overrides what its site has; the defaults are those of a site without API and login. `name`: the
    manifest's `source`; `keys`: the manifest's keys of this source; `home`: the site's address; `api`: the address of
    the site's API, where that is another one; "": none; `login_variable`: the variable (a secret setting) with the
    site's token, sent to `home` and `api` alone; `home_setting`: the setting that replaces `home`; "": none;
    `login_remedy`: what the user does where the site asks for a login.
    """

    name: ClassVar[str]
    keys: ClassVar[Mapping[str, Key]]
    home = api = ""
    login_variable: ClassVar[str] = ""
    home_setting: ClassVar[str] = ""
    login_remedy: ClassVar[str] = ""

    def __init__(self, home: str = "", api: str = "") -> None:
        self.home, self.api = (home or self.home).rstrip("/"), api or self.api

    def address(self, file: File) -> str:
        """The address that `file` is requested at."""
        raise NotImplementedError

    def recognise(self, url: str, parts: SplitResult) -> Found | Question | None:
        """Read a pasted address, given whole and split; None: it is not this site's.

        Raises NotAnAddress: it is this site's and leads to no file.
        """
        raise NotImplementedError

    async def answer(self, question: Question, ask: AskJson) -> Listing:
        """The files that a question of this source means. `ask`: raises what it cannot be asked for.

        Raises NotAnAddress: there are none; the message says what to paste.
        """
        raise NotImplementedError

    async def search(self, words: str, ask: AskJson) -> list[Hit]:
        """What the site has by this file name, or by these words. `ask`: raises what it cannot be asked for."""
        return []

    async def by_hash(self, sha256: str, ask: AskJson) -> list[Hit]:
        """The files of the site with this SHA-256."""
        return []

    async def look_up(self, file: File, ask: AskJson, *, has_token: bool) -> tuple[str, str]:
        """(address, sha256) as the site's API gives them; "" for each that it does not."""
        return "", ""

    def facts_in(self, headers: Mapping[str, str]) -> tuple[int | None, str]:
        """(size, sha256) that the headers of a response of this site give; None and "" for what they do not."""
        return None, ""

    def needs_login(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether a refusal means that the site wants a login (beside HTTP 401)."""
        return False


def host_of(parts: SplitResult) -> str:
    """The host of a split address, without `www.`."""
    return (parts.hostname or "").removeprefix("www.")


def origin_of(url: str) -> str:
    """scheme://host:port, the port always given; "" of an address that cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def is_relative(text: str) -> bool:
    """Whether a text is a path below a folder: no `..`, no hidden part, nothing that is not printable."""
    parts = text.split("/")
    hidden = any(part in ("", "..") or part.startswith(".") for part in parts)
    # Not printable are control characters and those that reverse the direction of what is shown behind them.
    return not hidden and text.isprintable() and "\\" not in text


def is_destination(text: str) -> bool:
    """Whether a text is a path below a folder whose names are no options of a command. What the disk does not take, a
    name that is too long for it, is its file's failure, and not the manifest's."""
    return is_relative(text) and not any(name.startswith("-") for name in text.split("/"))


def is_address(text: str) -> bool:
    """Whether a text is an http(s) address of a host, without a login in it."""
    try:
        parts = urlsplit(text)
        host = parts.hostname and parts.port != 0  # `port` raises for one that is no port
    except ValueError:
        return False
    return bool(host) and parts.scheme in ("http", "https") and "@" not in parts.netloc and text.isprintable()


def without_credentials(query: str) -> tuple[str, bool]:
    """The query of an address without the fields that hold a secret, and whether there were any."""
    fields = query.split("&")
    kept = [field for field in fields if not _is_credential(unquote_plus(field.partition("=")[0]).lower())]
    return "&".join(kept), len(kept) < len(fields)


def _is_credential(name: str) -> bool:
    parts = ("token", "secret", "passw", "signature", "credential", "apikey", "api_key", "api-key", "access_key")
    return name in ("key", "sig", "auth", "authorization", "jwt", "pwd") or any(part in name for part in parts)


def is_sha256(text: str) -> bool:
    """Whether a text is 64 lower-case hex digits."""
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


def member(facts: Any, *keys: str) -> Any:
    """A nested value of decoded JSON, or None where the JSON has another shape."""
    for key in keys:
        facts = facts.get(key) if isinstance(facts, dict) else None
    return facts


def sha256_in(text: Any) -> str:
    """A JSON value as a lower-case SHA-256, or "" where it is none."""
    lowered = text.lower() if isinstance(text, str) else ""
    return lowered if is_sha256(lowered) else ""


REPO_NAME = r"[A-Za-z0-9][\w.-]*"


def repo_keys(*, revision_required: bool) -> dict[str, Key]:
    """The keys of a source that has repositories."""
    return {
        "repo_id": Key(lambda text: re.fullmatch(f"{REPO_NAME}/{REPO_NAME}", text), "must be owner/name"),
        "path": Key(is_relative, "must be a path inside the repository"),
        "revision": Key(is_relative, "must be a branch, tag or commit", required=revision_required),
    }
