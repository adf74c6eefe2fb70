"""P: a plain address: any file on the web."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, unquote

from entrypoint.models.sources.base import Found, Key, Source

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text))


class PlainUrl(Source):
    """Any address; stands last in the registry, since it recognises all. `keys`: `url`."""

    name = "url"
    keys: ClassVar[Mapping[str, Key]] = {"url": Key(_is_address, "must be an http(s) address without a login in it")}

    def address(self, file: File) -> str:
        """The address itself."""
        return file.keys["url"]

    def recognise(self, url: str, parts: SplitResult) -> Found | None:
        """Any address."""
        return Found({"source": self.name, "url": url}, unquote(parts.path.rpartition("/")[2]), parts.path)
