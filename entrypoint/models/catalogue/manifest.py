"""P: the manifest: TOML text -> bundles and files, or one line that names the place, the key and the fault.

Format (every key is checked, an unknown one is an error):

    schema = 1
    extends_catalogue = false     # true: these bundles come behind the built-in ones
    [bundles.NAME]                # DOWNLOAD_NAME switches it
    about, default (true), implies ([]), size_gb
    [[files]]
    bundle, dest, dest_root ("models" | "comfyui"), sha256, size
    source = "huggingface"        # repo_id, path, revision ("main")
    source = "github_release"     # repo_id, revision (the tag), path (the asset)
    source = "civitai"            # version_id
    source = "url"                # url
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from entrypoint.models.catalogue.names import is_bundle_name

SCHEMA = 1
ROOTS = ("models", "comfyui")
#: source -> (keys it needs, keys it may have)
SOURCES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "huggingface": (frozenset({"repo_id", "path"}), frozenset({"revision"})),
    "github_release": (frozenset({"repo_id", "revision", "path"}), frozenset()),
    "civitai": (frozenset({"version_id"}), frozenset()),
    "url": (frozenset({"url"}), frozenset()),
}
_FILE_KEYS = frozenset({"bundle", "source", "dest", "dest_root", "sha256", "size"})
_BUNDLE_KEYS = frozenset({"about", "default", "implies", "size_gb"})
_TOP_KEYS = frozenset({"schema", "extends_catalogue", "bundles", "files"})
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_URL = re.compile(r"https?://[^\s/@]+(/\S*)?")
_RELATIVE = re.compile(r"[^\x00-\x1f\\]+")


class BadManifest(Exception):
    """The manifest can't be used; the message is one line with the place, the key and what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file to have.

    Attributes:
        bundle: Its bundle.
        source: One of `SOURCES`.
        dest: Path below the folder that `dest_root` names.
        dest_root: `models` (ComfyUI's models folder) or `comfyui` (its data folder).
        repo_id: Owner and name at the hub or at GitHub.
        revision: Branch, tag or commit; the release's tag at GitHub.
        path: Path in the repository; the asset's name at GitHub.
        version_id: Civitai's number of the model version.
        url: Address of a plain file.
        sha256: Lower-case hex, or "" where only the hub knows.
        size: Bytes, or None.
    """

    bundle: str
    source: str
    dest: str
    dest_root: str = "models"
    repo_id: str = ""
    revision: str = "main"
    path: str = ""
    version_id: str = ""
    url: str = ""
    sha256: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Files that belong together.

    Attributes:
        name: DOWNLOAD_<name> switches it.
        about: One line for people.
        default: Whether it is taken when no flag speaks of it (and follows DOWNLOAD_ALL).
        implies: Bundles it is useless without.
        size_gb: What it is said to need, in 10^9 bytes; used where a size can't be learned.
        files: Its files, in the manifest's order.
    """

    name: str
    about: str = ""
    default: bool = True
    implies: tuple[str, ...] = ()
    size_gb: float = 0.0
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Bundles in the order in which they are taken."""

    bundles: tuple[Bundle, ...]
    extends_catalogue: bool = False

    def behind(self, catalogue: Manifest) -> Manifest:
        """The built-in bundles, then these; one of these replaces a built-in one of the same name."""
        own = {bundle.name for bundle in self.bundles}
        return Manifest((*(each for each in catalogue.bundles if each.name not in own), *self.bundles))


def parse(text: str, origin: str) -> Manifest:
    """Read a manifest.

    Args:
        text: TOML.
        origin: Where it came from, for messages.

    Raises:
        BadManifest: It can't be used.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadManifest(f"cannot use {origin}: not TOML: {error}") from None
    return _Reader(text, origin).manifest(content)


class _Reader:
    def __init__(self, text: str, origin: str) -> None:
        self._lines = text.splitlines()
        self._origin = origin

    def manifest(self, content: dict[str, Any]) -> Manifest:
        self._known(content, _TOP_KEYS, "")
        if content.get("schema") != SCHEMA:
            raise self._bad("", "schema", f"must be {SCHEMA}")
        bundles = self._typed(content, "bundles", dict, {}, "")
        for name in bundles:
            if not is_bundle_name(name):
                problem = "a bundle's name must be capital letters, digits and _, and not ALL"
                raise self._bad(f"bundles.{name}", "", problem)
        tables = self._typed(content, "files", list, [], "")
        files = [self._file(table, f"files[{index}]", bundles) for index, table in enumerate(tables)]
        self._no_two_at_one_place(files)
        found = [self._bundle(name, table, bundles, files) for name, table in bundles.items()]
        return Manifest(tuple(found), self._typed(content, "extends_catalogue", bool, False, ""))

    def _bundle(self, name: str, table: Any, bundles: dict[str, Any], files: list[File]) -> Bundle:
        place = f"bundles.{name}"
        if not isinstance(table, dict):
            raise self._bad(place, "", "must be a table")
        self._known(table, _BUNDLE_KEYS, place)
        implies = self._typed(table, "implies", list, [], place)
        for other in implies:
            if other not in bundles:
                raise self._bad(place, "implies", f"{other!r} is no bundle of this manifest")
        size = self._typed(table, "size_gb", (int, float), 0, place)
        if not 0 <= size < 1e6:
            raise self._bad(place, "size_gb", "must be a number of GB, 0 or more")
        return Bundle(
            name=name,
            about=self._typed(table, "about", str, "", place),
            default=self._typed(table, "default", bool, True, place),
            implies=tuple(implies),
            size_gb=float(size),
            files=tuple(file for file in files if file.bundle == name),
        )

    def _file(self, table: Any, place: str, bundles: dict[str, Any]) -> File:
        if not isinstance(table, dict):
            raise self._bad(place, "", "must be a table")
        source = self._typed(table, "source", str, "", place)
        if source not in SOURCES:
            raise self._bad(place, "source", "must be " + " or ".join(SOURCES))
        needed, optional = SOURCES[source]
        self._known(table, _FILE_KEYS | needed | optional, place)
        for key in sorted(needed | {"bundle", "dest"}):
            if key not in table:
                raise self._bad(place, key, f"is missing (a file from {source} needs it)")
        if table["bundle"] not in bundles:
            raise self._bad(place, "bundle", f"{table['bundle']!r} is no bundle of this manifest")
        self._check_texts(table, place)
        size = self._typed(table, "size", int, None, place)
        if size is not None and size <= 0:
            raise self._bad(place, "size", "must be a number of bytes")
        texts = {key: str(value) for key, value in table.items() if key != "size"}
        return File(**texts, size=size)

    def _check_texts(self, table: dict[str, Any], place: str) -> None:
        checks: dict[str, tuple[Any, str]] = {
            "dest": (_is_relative, "must be a path below its folder, without .. and hidden parts"),
            "dest_root": (lambda text: text in ROOTS, "must be " + " or ".join(ROOTS)),
            "repo_id": (_REPO.fullmatch, "must be owner/name"),
            "revision": (_is_relative, "must be a branch, tag or commit"),
            "path": (_is_relative, "must be a path inside the repository"),
            "version_id": (str.isdigit, "must be the number of a model version"),
            "url": (_URL.fullmatch, "must be an http(s) address without a login in it"),
            "sha256": (_SHA256.fullmatch, "must be 64 lower-case hex digits"),
        }
        for key, (check, wanted) in checks.items():
            value = table.get(key)
            if key == "version_id" and type(value) is int:
                value = str(value)
            if key in table and not (isinstance(value, str) and check(value)):
                raise self._bad(place, key, wanted)

    def _no_two_at_one_place(self, files: list[File]) -> None:
        taken: set[tuple[str, str]] = set()
        for index, file in enumerate(files):
            if (file.dest_root, file.dest) in taken:
                raise self._bad(f"files[{index}]", "dest", "is the destination of another file already")
            taken.add((file.dest_root, file.dest))

    def _known(self, table: dict[str, Any], keys: frozenset[str], place: str) -> None:
        for key in table:
            if key not in keys:
                raise self._bad(place, key, "is not a key here; known are " + ", ".join(sorted(keys)))

    def _typed(self, table: dict[str, Any], key: str, kind: Any, default: Any, place: str) -> Any:
        value = table.get(key, default)
        if key in table and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            names = {
                str: "text",
                int: "a whole number",
                bool: "true or false",
                list: "a list",
                dict: "a table",
            }
            raise self._bad(place, key, f"must be {names.get(kind, 'a number')}")
        return value

    def _bad(self, place: str, key: str, problem: str) -> BadManifest:
        what = ".".join(part for part in (place, key) if part)
        return BadManifest(f"cannot use {self._origin}, line {self._line(place, key)}: {what} {problem}")

    def _line(self, place: str, key: str) -> int:
        """The line of a key (tomllib tells none), else of its table, else 1."""
        header, nth = f"[{place}]" if place else "", 0
        if found := re.fullmatch(r"files\[(\d+)\]", place):
            header, nth = "[[files]]", int(found.group(1))
        start = 0
        if header:
            starts = [number for number, line in enumerate(self._lines) if line.strip().startswith(header)]
            if len(starts) <= nth:
                return 1
            start = starts[nth] + 1
        for number, line in enumerate(self._lines[start:], start):
            if line.lstrip().startswith("["):
                break
            if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number + 1
        return max(start, 1)


def _is_relative(text: str) -> bool:
    parts = text.split("/")
    return bool(_RELATIVE.fullmatch(text)) and not any(part in ("", "..") or part.startswith(".") for part in parts)
