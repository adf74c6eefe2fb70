"""P: the DOWNLOAD_* flags and the bundles' own defaults -> which bundles are wanted, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from entrypoint import parsing
from entrypoint.models.manifest import Bundle, Manifest

PREFIX = "DOWNLOAD_"


class BadFlags(Exception):
    """Some flag can't be used; one line a problem."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one bundle.

    Attributes:
        bundle: Which.
        wanted: Whether it is.
        explicit: The user asked for it by name (or by DOWNLOAD_ALL=true): it may not be left out silently.
        why: Who said so, for people.
    """

    bundle: Bundle
    wanted: bool
    explicit: bool
    why: str


def wishes(manifest: Manifest, environ: Mapping[str, str]) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    """What is wanted, in the manifest's order, and what the user should know about how that came.

    Raises:
        BadFlags: A flag is neither true nor false.
    """
    flags = _read(manifest, environ)
    found = {bundle.name: _wish(bundle, flags) for bundle in manifest.bundles}
    notes = _unknown(manifest, environ)
    # Explicit ones first, so that a bundle implied by an explicit and by a default one counts as explicit.
    for bundle in sorted(manifest.bundles, key=lambda bundle: not found[bundle.name].explicit):
        _imply(bundle, found, flags, notes)
    return tuple(found.values()), tuple(notes)


def _read(manifest: Manifest, environ: Mapping[str, str]) -> dict[str, bool]:
    flags, problems = {}, []
    for name in ("ALL", *(bundle.name for bundle in manifest.bundles)):
        text = environ.get(PREFIX + name, "").strip()
        if text:
            try:
                flags[name] = parsing.boolean(text)
            except ValueError as error:
                problems.append(f"cannot use {PREFIX}{name}={text!r}: {error}")
    if problems:
        raise BadFlags("\n".join(problems))
    return flags


def _wish(bundle: Bundle, flags: Mapping[str, bool]) -> Wish:
    if bundle.name in flags:
        return Wish(bundle, flags[bundle.name], flags[bundle.name], PREFIX + bundle.name)
    if "ALL" in flags and bundle.default:
        return Wish(bundle, flags["ALL"], flags["ALL"], PREFIX + "ALL")
    return Wish(bundle, bundle.default, False, "default")


def _imply(bundle: Bundle, found: dict[str, Wish], flags: Mapping[str, bool], notes: list[str]) -> None:
    mine = found[bundle.name]
    if not mine.wanted:
        return
    for name in bundle.implies:
        other = found[name]
        if flags.get(name) is False:
            notes.append(f"{PREFIX}{name}=false beats {bundle.name}, which needs {name}: {name} is left out")
        elif not other.wanted or (mine.explicit and not other.explicit):
            found[name] = replace(other, wanted=True, explicit=mine.explicit, why=f"implied by {bundle.name}")
            _imply(other.bundle, found, flags, notes)


def _unknown(manifest: Manifest, environ: Mapping[str, str]) -> list[str]:
    known = {PREFIX + name for name in ("ALL", *(bundle.name for bundle in manifest.bundles))}
    names = ", ".join(bundle.name for bundle in manifest.bundles)
    return [
        f"{name} names no bundle; the bundles are {names}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]
