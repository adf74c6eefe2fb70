"""P: all model sources, one row each. A new source is a file beside this one, a row here, and its token's setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from entrypoint.models.sources.base import Found, NotAnAddress, Question, Source, is_address, origin_of
from entrypoint.models.sources.civitai import Civitai
from entrypoint.models.sources.github import GitHubRelease
from entrypoint.models.sources.huggingface import HuggingFace
from entrypoint.models.sources.url import PlainUrl

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File
    from entrypoint.settings.settings import Settings

Sources = tuple[Source, ...]

SOURCES: Sources = (HuggingFace(), GitHubRelease(), Civitai(), PlainUrl())


def configured(settings: Settings) -> Sources:
    """The sources at the addresses that the settings give (HF_ENDPOINT)."""
    return tuple(type(s)(getattr(settings, s.home_setting), s.api) if s.home_setting else s for s in SOURCES)


def source_named(name: str, sources: Sources = SOURCES) -> Source | None:
    """The source that a manifest calls `name`, or None."""
    return next((each for each in sources if each.name == name), None)


def source_of(file: File, sources: Sources = SOURCES) -> Source:
    """The source of a file whose manifest was checked."""
    return next(each for each in sources if each.name == file.source)


def recognise(url: str, sources: Sources = SOURCES) -> Found | Question:
    """Read an address: a page or a download of a source, or any file's address (`pasted` reads what else people copy).

    Raises NotAnAddress: it leads to no file; the message says what to do.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is no port
    except ValueError:  # its text quotes the port, which may be a part of a password
        raise NotAnAddress("it is malformed: host and port must follow https://") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotAnAddress("it must begin with https://")
    if parts.username or parts.password:
        raise NotAnAddress("take the login out of the address: manifests are no place for secrets")
    if not is_address(url):
        raise NotAnAddress("it has characters that no address has")
    return next(found for each in sources if (found := each.recognise(url, parts)))


def login_remedy(url: str, sources: Sources = SOURCES) -> str:
    """What the user does where the site of `url` asks for a login."""
    origin = origin_of(url)
    for each in sources:
        if each.login_variable and origin in (origin_of(each.home), origin_of(each.api)):
            return each.login_remedy
    return "Podkeeper has no login for this site: choose an address that needs none"


def facts_in(headers: Mapping[str, str], sources: Sources = SOURCES) -> tuple[int | None, str]:
    """(size, sha256) that a response's headers give in the way of some source; None and "" for what they do not."""
    facts = [each.facts_in(headers) for each in sources]
    return next((size for size, _ in facts if size is not None), None), next((sha for _, sha in facts if sha), "")
