"""P: the DOWNLOAD_* flags and the bundles' own defaults -> which bundles are wanted, and who said so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from entrypoint.models.catalogue.manifest import Bundle, Manifest
from entrypoint.settings import parsing

PREFIX = "DOWNLOAD_"
#: How far a run reaches: the catalogue's defaults too; what flags and requests name; requests alone.
ALL, NAMED, ASKED = "all", "named", "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a run is to do.

    Attributes:
        reach: ALL, NAMED or ASKED.
        asked: Bundles asked for by name.
        whole: Everything that is wanted of this pod: the record and the condition are about such a run, and not
            about one for a few bundles that somebody typed.
    """

    reach: str = ALL
    asked: frozenset[str] = frozenset()
    whole: bool = True


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


def reach_of(models: str, *, local: bool) -> str:
    """ALL, NAMED or ASKED for the run that nobody typed.

    A start at home must not begin 200 GB by itself; on a rented pod that is what the pod is for.

    Args:
        models: The setting MODELS; "" is unset.
        local: Local mode.
    """
    if models == "none":
        return ASKED
    return NAMED if local and models != "auto" else ALL


def any_flag(environ: Mapping[str, str]) -> bool:
    """Whether some DOWNLOAD_* flag says anything."""
    return any(name.startswith(PREFIX) and text.strip() for name, text in environ.items())


def wishes(
    manifest: Manifest, environ: Mapping[str, str], reach: str = ALL, asked: Collection[str] = ()
) -> tuple[tuple[Wish, ...], tuple[str, ...]]:
    """What is wanted, in the manifest's order, and what the user should know about how that came.

    Args:
        manifest: What there is.
        environ: Holds the DOWNLOAD_* flags.
        reach: ALL, NAMED or ASKED.
        asked: Bundles asked for by a command or the status page: later than a flag, so they beat it.

    Raises:
        BadFlags: A flag is neither true nor false, or a bundle that was asked for does not exist.
    """
    names = [bundle.name for bundle in manifest.bundles]
    if strange := sorted(set(asked) - set(names)):
        raise BadFlags(f"there is no bundle {', '.join(strange)}; the bundles are {', '.join(names)}")
    flags = _read(manifest, environ)
    found = {bundle.name: _wish(bundle, flags, reach, asked) for bundle in manifest.bundles}
    notes = _unknown(manifest, environ)
    # Explicit ones first, so that a bundle implied by an explicit and by a default one counts as explicit.
    for bundle in sorted(manifest.bundles, key=lambda bundle: not found[bundle.name].explicit):
        _imply(bundle, found, flags, asked, notes)
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


def _wish(bundle: Bundle, flags: Mapping[str, bool], reach: str, asked: Collection[str]) -> Wish:
    if bundle.name in asked:
        return Wish(bundle, True, True, "asked for")
    if reach == ASKED:
        return Wish(bundle, False, False, "not asked for")
    if bundle.name in flags:
        return Wish(bundle, flags[bundle.name], flags[bundle.name], PREFIX + bundle.name)
    if "ALL" in flags and bundle.default:
        return Wish(bundle, flags["ALL"], flags["ALL"], PREFIX + "ALL")
    return Wish(bundle, bundle.default and reach == ALL, False, "default" if reach == ALL else "not asked for")


def _imply(
    bundle: Bundle,
    found: dict[str, Wish],
    flags: Mapping[str, bool],
    asked: Collection[str],
    notes: list[str],
) -> None:
    mine = found[bundle.name]
    if not mine.wanted:
        return
    for name in bundle.implies:
        other = found[name]
        if flags.get(name) is False and name not in asked:
            notes.append(f"{PREFIX}{name}=false beats {bundle.name}, which needs {name}: {name} is left out")
        elif not other.wanted or (mine.explicit and not other.explicit):
            found[name] = replace(other, wanted=True, explicit=mine.explicit, why=f"implied by {bundle.name}")
            _imply(other.bundle, found, flags, asked, notes)


def _unknown(manifest: Manifest, environ: Mapping[str, str]) -> list[str]:
    known = {PREFIX + name for name in ("ALL", *(bundle.name for bundle in manifest.bundles))}
    names = ", ".join(bundle.name for bundle in manifest.bundles)
    return [
        f"{name} names no bundle; the bundles are {names}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]
