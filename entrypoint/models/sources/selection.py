"""P: which files of a listing are meant, and where each goes below the models folder.

A listing comes from a site, and its names from other people: each is checked, and what cannot be a path below the
models folder is left out by name.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from entrypoint.models.sources.base import Found, Listed, Listing, NotAnAddress, is_destination
from entrypoint.models.sources.endings import CONFIGS, is_model
from entrypoint.models.sources.folders import destination, folder_of
from entrypoint.system.units import gigabytes

#: Files of a listing that are looked at, and of a selection.
MOST_LISTED, MOST_FILES = 20_000, 1000
_SHOWN = 40
#: Names of devices on Windows and on network volumes of its kind.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.ASCII)
_PART = r"(.*)-\d{5}-of-(\d{5})(\.[a-z]+)"
_PIPELINE = "model_index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class Unit:
    """What is taken together: a file, the parts of one model, or a pipeline's folder. Sizes in bytes."""

    name: str
    files: tuple[Listed, ...]

    @property
    def size(self) -> int:
        """Its size, as far as the site gives it."""
        return sum(each.size for each in self.files)


@dataclass(slots=True)
class Selection:
    """`units`: what would be taken; `together`: they keep their paths below one folder; `pipeline`: of a pipeline;
    `notes`: what was left out."""

    units: list[Unit] = field(default_factory=list)
    together: bool = False
    pipeline: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[Listed]:
        """All files."""
        return [file for unit in self.units for file in unit.files]

    @property
    def size(self) -> int:
        """Bytes, as far as the site gives them."""
        return sum(unit.size for unit in self.units)


def select(listing: Listing, include: Sequence[str] = ()) -> Selection:
    """The files that are meant: model files; all that a pipeline's folder needs; or what `include` names.

    `include`: patterns of paths or names, as a shell has them; one that begins with `!` leaves out. Raises
    NotAnAddress: there is none.
    """
    found = Selection()
    files = _usable(listing, found)
    if include:
        files = [each for each in files if _matches(each.path, include)]
        found.units = _units(files)
    elif any(each.path == _PIPELINE for each in files):
        found.together = found.pipeline = True
        inside = [each for each in files if "/" in each.path or not is_model(each.path)]
        files = _without_duplicates([each for each in inside if is_model(each.path) or _is_config(each.path)], found)
        found.units = [Unit(f"{listing.name} (a pipeline of {len(files)} files)", tuple(files))]
        if whole := [each.path for each in listing.files if "/" not in each.path and is_model(each.path)]:
            found.notes.append(
                f"left out, as they stand beside the pipeline: {_names(whole)}; --include NAME takes one alone"
            )
    else:
        models = _without_duplicates([each for each in files if is_model(each.path)], found)
        found.units = _units(models)
        if len(found.units) == 1 and len(found.units[0].files) > 1:  # what loads parts needs the index and the config
            (unit,) = found.units
            found.together = True
            beside = [each for each in files if _is_config(each.path) and "/" not in each.path]
            found.units = [Unit(unit.name, (*unit.files, *beside))]
    if not found.units:
        what = f"no file of it matches {' '.join(include)}" if include else "it has no model files"
        some = [each.path for each in listing.files][:_SHOWN]
        raise NotAnAddress(f"{what}" + (f"; it has {_names(some)}" if some else "; it is empty"))
    if len(found.files) > MOST_FILES:
        raise NotAnAddress(f"it has more than {MOST_FILES} files: choose some with --include 'PATTERN'")
    return found


def destinations(selection: Selection, listing: Listing, wanted: str) -> list[dict[str, str]]:
    """The manifest's keys of each file, with `dest`.

    `wanted`: `--dest`: a folder with a slash at its end, "", or a whole path where there is one file. Raises
    NotAnAddress: the kind of a file is not known, or several files have one path; the message says what to give.
    """
    files = selection.files
    if wanted and not wanted.endswith("/"):
        if len(files) > 1:
            raise NotAnAddress(f"it has {len(files)} files: end --dest with a slash")
        return [{**files[0].keys, "dest": destination(_found(files[0], listing), wanted)}]
    places = [_place(each, selection, listing, wanted) for each in files]
    folded = [each.casefold() for each in places]
    found, taken = [], set[str]()
    for each, place in zip(files, places, strict=True):
        # Two names in one folder: each keeps its path below the repository's name.
        alone = folded.count(place.casefold()) == 1
        path = place if alone else f"{place.rpartition('/')[0]}/{listing.name}/{each.path}"
        if path.casefold() in taken:  # they differ by capital letters alone, which some volumes do not
            selection.notes.append(f"{each.path} is left out: another file has the same name but for capital letters")
            continue
        taken.add(path.casefold())
        if not is_destination(path):
            raise NotAnAddress(f"{path!r} is no path below the models folder: give --dest FOLDER/")
        found.append({**each.keys, "dest": path})
    return found


def _found(file: Listed, listing: Listing) -> Found:
    words = f"{file.folder}/{listing.words}/{file.path}" if file.folder else f"{listing.words}/{file.path}"
    return Found(file.keys, file.path.rpartition("/")[2], words)


def _place(file: Listed, selection: Selection, listing: Listing, wanted: str) -> str:
    if not selection.together:
        try:
            return destination(_found(file, listing), wanted or (f"{file.folder}/" if file.folder else ""))
        except NotAnAddress as error:
            raise NotAnAddress(f"{file.path}: {error}") from None
    folder = wanted.rstrip("/") or ("diffusers" if selection.pipeline else folder_of(listing.words))
    if not folder:
        raise NotAnAddress("cannot tell the kind of model: give --dest FOLDER/")
    return f"{folder}/{listing.name}/{file.path}"


def table(selection: Selection) -> list[str]:
    """A line for each unit, with its size."""
    units = sorted(selection.units, key=lambda unit: unit.name)
    lines = [f"  {gigabytes(unit.size):>9}  {unit.name}" for unit in units[:_SHOWN]]
    return lines + ([f"  and {len(units) - _SHOWN} more"] if len(units) > _SHOWN else [])


def _usable(listing: Listing, found: Selection) -> list[Listed]:
    """The files whose paths can stand below the models folder."""
    bad, good = [], []
    for each in listing.files[:MOST_LISTED]:
        names = each.path.split("/")
        if any(name.startswith(".") and name not in (".", "..") for name in names):
            continue  # .gitattributes
        if (
            not is_destination(each.path)
            or any(len(name.encode(errors="replace")) > 255 or _DEVICES.fullmatch(name) for name in names)
            or any(name.endswith((" ", ".")) or ":" in name for name in names)
        ):
            bad.append(each.path)
        else:
            good.append(each)
    if bad:
        found.notes.append(f"left out, as no volume takes these names: {_names(bad)}")
    return good


def _matches(path: str, include: Sequence[str]) -> bool:
    """Whether a pattern names the file, and none leaves it out; what is no model has to be named with its ending."""
    lowered, name = path.lower(), path.rpartition("/")[2].lower()
    ending = name[name.rfind(".") :] if "." in name else name

    def any_of(patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(text, each.lower()) for each in patterns for text in (lowered, name))

    if any_of([each[1:] for each in include if each.startswith("!")]):
        return False
    wanted = [each for each in include if not each.startswith("!")] or ["*"]
    return any_of([each for each in wanted if is_model(name) or each.lower().endswith(ending)])


def _units(files: Sequence[Listed]) -> list[Unit]:
    """The files, the parts of a model as one."""
    groups: dict[tuple[str, ...], list[Listed]] = {}
    for each in files:
        part = re.fullmatch(_PART, each.path, re.ASCII)
        groups.setdefault(part.groups() if part else (each.path,), []).append(each)
    return [
        Unit(f"{key[0]}-*{key[2]} ({len(group)} parts)" if len(key) > 1 else key[0], tuple(group))
        for key, group in groups.items()
    ]


def _without_duplicates(files: list[Listed], found: Selection) -> list[Listed]:
    """Without pickles that stand beside the same weights as safetensors, as huggingface's loaders choose."""
    stems = {_stem(each.path) for each in files if each.path.endswith(".safetensors")}
    other = [each for each in files if each.path.lower().endswith(_PICKLES) and _stem(each.path) in stems]
    if other:
        found.notes.append(f"left out, as the same weights are there as safetensors: {_names([e.path for e in other])}")
    return [each for each in files if each not in other]


def _stem(path: str) -> str:
    """A path without what differs between two formats of the same weights."""
    folder, slash, name = path.rpartition("/")
    stem = re.sub(r"-\d{5}-of-\d{5}", "", name.rpartition(".")[0]).removeprefix("pytorch_")
    return f"{folder}{slash}{stem}"


def _is_config(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith(CONFIGS) and not name.startswith(("readme", "license"))


def _names(paths: Sequence[str]) -> str:
    plain = ["".join(each if each.isprintable() else "?" for each in path)[:80] for path in paths[:5]]
    return ", ".join(plain) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
