"""P: the DOWNLOAD_* flags and the bundles' own defaults -> which bundles are wanted, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.settings import parsing

PREFIX = "DOWNLOAD_"
#: What a run considers: the catalogue's defaults too; what flags and requests name; requests alone.
ALL, NAMED, REQUESTED = "all", "named", "requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """What a run is asked to fetch."""

    scope: str = ALL  # ALL, NAMED or REQUESTED
    bundles: frozenset[str] = frozenset()  # bundles requested by name
    # everything that this pod wants: the record and the condition are about such a run, and not about one for a few
    # bundles that were typed
    whole: bool = True
    only: frozenset[str] = frozenset()  # destinations: of the bundles, these files alone; empty: all of them


class BadFlags(Exception):
    """A requested bundle does not exist."""


@dataclass(frozen=True, slots=True)
class WantedBundle:
    """Whether one bundle is wanted."""

    bundle: Bundle
    wanted: bool  # whether it is wanted
    explicit: bool  # the user named it (or set DOWNLOAD_ALL=true): it may not be left out silently
    why: str  # the flag, request or default that decided, for people


def scope_of(models: str) -> str:
    """The scope (ALL, NAMED or REQUESTED) of the run that supervisord starts.

    60 to 220 GB on a bill are a choice: no start begins them by itself. `models`: MODELS; "" is unset.
    """
    return {"none": REQUESTED, "auto": ALL}.get(models, NAMED)


def any_flag(environ: Mapping[str, str]) -> bool:
    """Whether some DOWNLOAD_* flag is set."""
    return any(name.startswith(PREFIX) and text.strip() for name, text in environ.items())


def wanted_bundles(
    manifest: Manifest, environ: Mapping[str, str], scope: str = ALL, requested: Collection[str] = ()
) -> tuple[tuple[WantedBundle, ...], tuple[str, ...]]:
    """All bundles in the manifest's order, each wanted or not, and notes for the user.

    `environ`: holds the DOWNLOAD_* flags; `requested`: bundles requested by a command or the status page: later than a
    flag, so they beat it. Raises BadFlags: a requested bundle does not exist.
    """
    names = [bundle.name for bundle in manifest.bundles]
    if unknown := sorted(set(requested) - set(names)):
        raise BadFlags(f"there is no bundle {', '.join(unknown)}; the bundles are {', '.join(names)}")
    flags, notes = _read(manifest, environ)
    found = {bundle.name: _decide(bundle, flags, scope, requested) for bundle in manifest.bundles}
    notes += _unknown_flags(manifest, environ)
    # Explicit ones first, so that a bundle implied by an explicit and by a default one counts as explicit.
    for bundle in sorted(manifest.bundles, key=lambda bundle: not found[bundle.name].explicit):
        _imply(bundle, found, flags, requested, notes)
    return tuple(found.values()), tuple(notes)


def _read(manifest: Manifest, environ: Mapping[str, str]) -> tuple[dict[str, bool], list[str]]:
    """The flags, and a note for each that is neither true nor false: it costs its own bundle alone."""
    flags, notes = {}, []
    for name in ("ALL", *(bundle.name for bundle in manifest.bundles)):
        text = environ.get(PREFIX + name, "").strip()
        if text:
            try:
                flags[name] = parsing.boolean(text)
            except ValueError as error:
                flags[name] = False
                notes.append(f"cannot use {PREFIX}{name}={text!r}: {error}; it counts as false")
    return flags, notes


def _decide(bundle: Bundle, flags: Mapping[str, bool], scope: str, requested: Collection[str]) -> WantedBundle:
    if bundle.name in requested:
        return WantedBundle(bundle, True, True, "requested")
    if scope == REQUESTED:
        return WantedBundle(bundle, False, False, "not requested")
    if bundle.name in flags:
        return WantedBundle(bundle, flags[bundle.name], flags[bundle.name], PREFIX + bundle.name)
    if "ALL" in flags and bundle.default:
        return WantedBundle(bundle, flags["ALL"], flags["ALL"], PREFIX + "ALL")
    return WantedBundle(bundle, bundle.default and scope == ALL, False, "default" if scope == ALL else "not requested")


def _imply(
    bundle: Bundle, found: dict[str, WantedBundle], flags: Mapping[str, bool], requested: Collection[str],
    notes: list[str],
) -> None:  # fmt: skip
    mine = found[bundle.name]
    if not mine.wanted:
        return
    for name in bundle.implies:
        other = found[name]
        if flags.get(name) is False and name not in requested:
            notes.append(f"{PREFIX}{name}=false beats {bundle.name}, which needs {name}: {name} is left out")
        elif not other.wanted or (mine.explicit and not other.explicit):
            found[name] = replace(other, wanted=True, explicit=mine.explicit, why=f"implied by {bundle.name}")
            _imply(other.bundle, found, flags, requested, notes)


def _unknown_flags(manifest: Manifest, environ: Mapping[str, str]) -> list[str]:
    known = {PREFIX + name for name in ("ALL", *(bundle.name for bundle in manifest.bundles))}
    names = ", ".join(bundle.name for bundle in manifest.bundles)
    unknown = [name for name in sorted(environ) if name.startswith(PREFIX) and name not in known]
    return [f"{name} names no bundle; the bundles are {names}" for name in unknown]
