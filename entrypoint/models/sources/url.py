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


#: Sites whose addresses lead to a page with a button, also by `/download` -> their names.
_PAGES_ONLY = {
    "drive.google.com": "Google Drive", "docs.google.com": "Google Drive", "1drv.ms": "OneDrive",
    "onedrive.live.com": "OneDrive", "sharepoint.com": "SharePoint", "mega.nz": "Mega", "mega.io": "Mega",
    "mega.co.nz": "Mega", "wetransfer.com": "WeTransfer", "we.tl": "WeTransfer", "mediafire.com": "MediaFire",
    "gofile.io": "Gofile", "pan.baidu.com": "Baidu", "pan.quark.cn": "Quark", "icloud.com": "iCloud",
    "box.com": "Box", "disk.yandex.ru": "Yandex", "disk.yandex.com": "Yandex", "terabox.com": "TeraBox",
    "ollama.com": "Ollama", "tensor.art": "Tensor.Art", "kaggle.com": "Kaggle",
}  # fmt: skip
_INSTEAD = (
    "has no address of the file itself: download it by hand and upload it to ComfyUI's models folder, or paste the "
    "same model's address at Hugging Face or Civitai"
)
#: ModelScope: `<model>/resolve/<revision>/<path>` is the file, as the hub's is; the viewer's page has the same parts.
_MODELSCOPE = ("modelscope.cn", "modelscope.ai")
_SCOPE_FILE = r"/models/([^/]+/[^/]+)/(?:resolve|file/view)/([^/]+)/(.+)"


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
        if name := next((name for each, name in _PAGES_ONLY.items() if f".{host}".endswith(f".{each}")), ""):
            raise NotAnAddress(f"{name} {_INSTEAD}")
        if parts.path.lower().endswith(".torrent"):
            raise NotAnAddress("torrents are not fetched: paste an https:// address of the same file")
        if host in _MODELSCOPE:
            parts = _of_modelscope(parts)
        if host == "dropbox.com":
            parts = _of_dropbox(parts)
        query, had_token = without_credentials(parts.query)
        keys = {"source": self.name, "url": urlunsplit(parts._replace(query=query, fragment=""))}
        notes = (_NOT_KEPT,) if had_token else ()
        return Found(keys, unquote(parts.path.rpartition("/")[2]), parts.path, notes)


def _of_dropbox(parts: SplitResult) -> SplitResult:
    """The file in place of its page: `dl=1` (help.dropbox.com, "Force a file or folder to download")."""
    if parts.path.startswith(("/scl/fo/", "/sh/", "/home")):
        raise NotAnAddress("it is a folder of Dropbox, which comes as a zip: share the file and copy its address")
    fields = [each for each in parts.query.split("&") if each and not re.match(r"(dl|raw)=", each)]
    return parts._replace(query="&".join([*fields, "dl=1"]))


def _of_modelscope(parts: SplitResult) -> SplitResult:
    if found := re.fullmatch(_SCOPE_FILE, parts.path):
        model, revision, path = found.groups()
        return parts._replace(path=f"/models/{model}/resolve/{revision}/{path}", query="", fragment="")
    if re.fullmatch(r"/models/[^/]+/[^/]+(/(summary|files|tree/.*|feedback.*))?/?", parts.path):
        raise NotAnAddress(
            "it is a model's page at ModelScope, not a file: open the file and copy its address "
            "(modelscope.cn/models/OWNER/NAME/resolve/master/FILE)"
        )
    return parts
