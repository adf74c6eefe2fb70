"""P: a plain address: any file on the web."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, unquote, urlunsplit

from entrypoint.models.sources.base import Found, Key, NotAnAddress, Source, host_of, without_credentials

if TYPE_CHECKING:
    from entrypoint.models.sources.model_file import File


def _is_address(text: str) -> bool:
    """Whether it is meant as an address. One that cannot be requested is its file's failure, and not the manifest's."""
    return bool(re.fullmatch(r"https?://[^\s/@]+(/\S*)?", text)) and text.isprintable()


#: Podkeeper sends logins to the sites that it knows alone.
_NOT_KEPT = (
    "the token in the address is not kept, manifests are no place for secrets: HF_TOKEN, CIVITAI_TOKEN and "
    "GITHUB_TOKEN are for their sites; there is none for this one, so download the file by hand if it needs a login"
)


#: Sites whose addresses lead to a page with a button, also by `/download`.
_PAGES_ONLY = ("drive.google.com", "docs.google.com", "1drv.ms", "onedrive.live.com", "mega.nz", "wetransfer.com")


class PlainUrl(Source):
    """Any address; stands last in the registry, since it recognises all. `keys`: `url`."""

    name = "url"
    keys: ClassVar[Mapping[str, Key]] = {"url": Key(_is_address, "must be an http(s) address without a login in it")}

    def address(self, file: File) -> str:
        """The address itself."""
        return file.keys["url"]

    def recognise(self, url: str, parts: SplitResult) -> Found | None:
        """Any address; a token in it is left out."""
        host = host_of(parts)
        if host in _PAGES_ONLY or host.endswith(".sharepoint.com"):
            raise NotAnAddress(f"{host} has no address of the file itself: download it by hand, or use another site")
        if host == "dropbox.com":
            parts = parts._replace(query=parts.query.replace("dl=0", "dl=1"))
        query, had_token = without_credentials(parts.query)
        keys = {"source": self.name, "url": urlunsplit(parts._replace(query=query, fragment=""))}
        notes = (_NOT_KEPT,) if had_token else ()
        return Found(keys, unquote(parts.path.rpartition("/")[2]), parts.path, notes)
