"""P: the manifest: TOML text -> bundles and files, or one line that names the place, the key and the fault.

Format (every key is checked, an unknown one is an error):

    schema = 1
    extends_catalogue = false     # true: these bundles come behind the built-in ones
    [bundles.NAME]                # DOWNLOAD_NAME switches it
    about, default (true), implies ([]), nodes, size_gb
    [[files]]
    bundle, dest, dest_root ("models" | "comfyui"), sha256, size
    source = "..."                # one of sources/registry.py, and the keys of that source; or, in their place,
    url = "..."                   # an address as people copy it (sources/pasted.py)
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from typing import Any

from entrypoint.models.sources.base import Key, NotAnAddress, is_destination, is_sha256
from entrypoint.models.sources.model_file import File
from entrypoint.models.sources.pasted import one_file
from entrypoint.models.sources.registry import SOURCES, source_named
from entrypoint.nodes.pack_names import PACKS

SCHEMA = 1
ROOTS = ("models", "comfyui")
_FILE_KEYS = {
    "dest": Key(
        is_destination,
        "must be a path below its folder, without .., hidden parts, characters that are not printable and names that "
        "begin with a dash",
    ),
    "dest_root": Key(ROOTS.__contains__, "must be " + " or ".join(ROOTS), required=False),
    "sha256": Key(is_sha256, "must be 64 lower-case hex digits", required=False),
}
_BUNDLE_KEYS = frozenset({"about", "default", "implies", "nodes", "size_gb"})
_TOP_KEYS = frozenset({"schema", "extends_catalogue", "bundles", "files"})


class BadManifest(Exception):
    """The manifest can't be used; the message is one line with the place, the key and what it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Files that belong together."""

    name: str  # DOWNLOAD_<name> switches it
    about: str = ""  # one line of description
    default: bool = True  # whether it is wanted where no flag names it (and follows DOWNLOAD_ALL)
    implies: tuple[str, ...] = ()  # bundles that it needs
    nodes: str = ""  # the pack of custom nodes that load its files (`podkeeper nodes install NAME`)
    size_gb: float = 0.0  # its size in 10^9 bytes as the manifest gives it; used where a source does not give one
    files: tuple[File, ...] = ()  # its files, in the manifest's order


@dataclass(frozen=True, slots=True)
class Manifest:
    """Bundles, in the order in which they are selected."""

    bundles: tuple[Bundle, ...]
    extends_catalogue: bool = False

    def behind(self, catalogue: Manifest) -> Manifest:
        """The bundles of `catalogue`, then these; one of these replaces one of the same name.

        A file of these replaces one of the same destination in every bundle: two would set each other aside for ever.
        """
        own = {bundle.name for bundle in self.bundles}
        places = {_place(file): file for bundle in self.bundles for file in bundle.files}
        kept = []
        for each in catalogue.bundles:
            files = [replace(places.get(_place(file), file), bundle=each.name) for file in each.files]
            kept += [replace(each, files=tuple(files))] if each.name not in own else []
        return Manifest((*kept, *self.bundles))


def is_bundle_name(text: str) -> bool:
    """Whether a text is capital letters, digits and _, and not ALL (DOWNLOAD_ALL means all bundles)."""
    return bool(re.fullmatch(r"[A-Z][A-Z0-9_]*", text)) and text != "ALL"


def parse(text: str, origin: str) -> Manifest:
    """Parse a manifest. `origin`: its path or address, for messages. Raises BadManifest: it can't be used."""
    text = text.removeprefix("\ufeff")  # the byte order mark of Windows' editors
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and int() of more than 4,300 digits
        raise BadManifest(f"cannot use {origin}: not TOML: {error}") from None
    return _Reader(text, origin).manifest(content)


def _place(file: File) -> str:
    """The destination below the data folder, by its one name: `checkpoint_models` is a link to `checkpoints`."""
    place = f"models/{file.dest}" if file.dest_root == "models" else file.dest
    return re.sub("^models/checkpoint_models/", "models/checkpoints/", place)


class _Reader:
    def __init__(self, text: str, origin: str) -> None:
        self._lines, self._origin = text.splitlines(), origin

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
        self._check_destinations(files)
        found = [self._bundle(name, table, bundles, files) for name, table in bundles.items()]
        return Manifest(tuple(found), self._typed(content, "extends_catalogue", bool, False, ""))

    def _bundle(self, name: str, table: Any, bundles: dict[str, Any], files: list[File]) -> Bundle:
        place = f"bundles.{name}"
        if not isinstance(table, dict):
            raise self._bad(place, "", "must be a table")
        self._known(table, _BUNDLE_KEYS, place)
        implies = self._typed(table, "implies", list, [], place)
        for other in implies:
            if not isinstance(other, str) or other not in bundles:
                raise self._bad(place, "implies", f"{other!r} is no bundle of this manifest")
        nodes = self._typed(table, "nodes", str, "", place)
        if nodes and nodes not in PACKS:
            raise self._bad(place, "nodes", f"must be one of {', '.join(PACKS)}")
        size = self._typed(table, "size_gb", (int, float), 0, place)
        if not 0 <= size < 1e6:
            raise self._bad(place, "size_gb", "must be a number of GB, 0 or more")
        about = self._typed(table, "about", str, "", place)
        if not about.isprintable():
            raise self._bad(place, "about", "must be one line of printable characters")
        default = self._typed(table, "default", bool, True, place)
        own = tuple(file for file in files if file.bundle == name)
        return Bundle(
            name=name, about=about, default=default, implies=tuple(implies), nodes=nodes, size_gb=float(size), files=own
        )  # fmt: skip

    def _file(self, table: Any, place: str, bundles: dict[str, Any]) -> File:
        if not isinstance(table, dict):
            raise self._bad(place, "", "must be a table")
        if "source" not in table and "url" in table:
            table = self._pasted(table, place)
        source = source_named(self._typed(table, "source", str, "", place))
        if source is None:
            raise self._bad(place, "source", "must be " + " or ".join(each.name for each in SOURCES))
        keys = {**_FILE_KEYS, **source.keys}
        self._known(table, frozenset({"bundle", "source", "size", *keys}), place)
        for key in sorted({"bundle", *(key for key, rule in keys.items() if rule.required)}):
            if key not in table:
                raise self._bad(place, key, f"is missing (a file from {source.name} needs it)")
        if not isinstance(table["bundle"], str) or table["bundle"] not in bundles:
            raise self._bad(place, "bundle", f"{table['bundle']!r} is no bundle of this manifest")
        texts = {key: self._text(table, key, rule, place) for key, rule in keys.items() if key in table}
        size = self._typed(table, "size", int, None, place)
        if size is not None and size <= 0:
            raise self._bad(place, "size", "must be a number of bytes")
        common = {key: texts.pop(key) for key in _FILE_KEYS if key in texts}
        return File(bundle=table["bundle"], source=source.name, size=size, keys=texts, **common)

    def _pasted(self, table: dict[str, Any], place: str) -> dict[str, Any]:
        """The table with the keys that its address means."""
        try:
            found = one_file(self._typed(table, "url", str, "", place))
        except NotAnAddress as error:
            raise self._bad(place, "url", f"cannot be used: {error}") from None
        return {**{key: value for key, value in table.items() if key != "url"}, **found.keys}

    def _text(self, table: dict[str, Any], key: str, rule: Key, place: str) -> str:
        value = table[key]
        if rule.number and type(value) is int:
            value = str(value)
        if not (isinstance(value, str) and rule.check(value)):
            raise self._bad(place, key, rule.wanted)
        return value

    def _check_destinations(self, files: list[File]) -> None:
        taken: set[str] = set()
        for index, file in enumerate(files):
            place = _place(file)
            if place in taken:
                raise self._bad(f"files[{index}]", "dest", "is the destination of another file already")
            taken.add(place)
        for index, file in enumerate(files):  # the file would take the place of the folder, or the folder of the file
            names = _place(file).split("/")
            if any("/".join(names[:count]) in taken for count in range(1, len(names))):
                raise self._bad(f"files[{index}]", "dest", "is below the destination of another file")

    def _known(self, table: dict[str, Any], keys: frozenset[str], place: str) -> None:
        for key in table:
            if key not in keys:
                raise self._bad(place, key, "is not a key here; known are " + ", ".join(sorted(keys)))

    def _typed(self, table: dict[str, Any], key: str, kind: Any, default: Any, place: str) -> Any:
        value = table.get(key, default)
        if key in table and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            names = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}
            raise self._bad(place, key, f"must be {names.get(kind, 'a number')}")
        return value

    def _bad(self, place: str, key: str, problem: str) -> BadManifest:
        what = ".".join(part for part in (place, key) if part)
        return BadManifest(f"cannot use {self._origin}, line {self._line(place, key)}: {what} {problem}")

    def _line(self, place: str, key: str) -> int:
        """The line of a key (tomllib gives none), else of its table, else 1."""
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
