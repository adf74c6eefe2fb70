"""P: users: which user the services run as, and which user owns the volume's files (PUID, PGID, RUN_AS, UMASK).

PUID and PGID mean what they mean in linuxserver.io's images: the services run as that user, who owns the volume's
files. RUN_AS=uid:gid sets the services' user alone, or overrides it (RUN_AS=0:0 with PUID=1000: the services run as
root, and the volume pass gives the files to 1000).
"""

from __future__ import annotations

from typing import NamedTuple

from entrypoint.conditions.condition import Condition

_LARGEST_ID = 2**32 - 2  # -1 means "leave it" to chown(2)


class Identity(NamedTuple):
    """A user and a group, by number: an image knows no names for its users' users."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def user_id(text: str) -> str:
    """A uid or gid, or "" for none. Raises ValueError: what it must be."""
    if not text.isascii() or not text.isdigit() or int(text) > _LARGEST_ID:
        raise ValueError(f"must be a number from 0 to {_LARGEST_ID}, as `id -u` and `id -g` print it")
    return text


def run_as(text: str) -> str:
    """`uid` or `uid:gid`, by number. Raises ValueError: what it must be."""
    uid, colon, gid = text.partition(":")
    try:
        user_id(uid)
        user_id(gid if colon else uid)
    except ValueError:
        raise ValueError("must be uid:gid in numbers, for example 1000:1000") from None
    return text


def umask(text: str) -> str:
    """Three or four octal digits that leave the owner's own bits alone. Raises ValueError: what it must be."""
    if not 1 <= len(text) <= 4 or not set(text) <= set("01234567") or int(text, 8) > 0o777:
        raise ValueError("must be octal, for example 002")
    if int(text, 8) & 0o700:
        raise ValueError("must not take bits from the owner (its first digit of three must be 0)")
    return text


def parse_run_as(text: str) -> Identity:
    uid, _, gid = text.partition(":")
    return Identity(int(uid), int(gid or uid))


def service_identity(run_as_text: str, puid: str, pgid: str, own: Identity) -> Identity:
    """Return the user of the services; `own`: the user of this process. Only root can change to another user."""
    if own.uid != 0:
        return own
    if run_as_text:
        return parse_run_as(run_as_text)
    return file_owner(puid, pgid, own)


def file_owner(puid: str, pgid: str, otherwise: Identity) -> Identity:
    """Return the owner of the files under VOLUME_POLICY=owner. PGID defaults to the number of PUID."""
    if puid:
        return Identity(int(puid), int(pgid or puid))
    return Identity(otherwise.uid, int(pgid)) if pgid else otherwise


def not_honoured(run_as_text: str, puid: str, own: Identity) -> Condition | None:
    """Return a condition where RUN_AS or PUID names another user and the pod is not root; else None."""
    asked = parse_run_as(run_as_text).uid if run_as_text else int(puid or own.uid)
    if own.uid in (0, asked):
        return None
    return Condition(
        "RunAsNotPossible",
        f"{'RUN_AS' if run_as_text else 'PUID'} asks for uid {asked}, but the pod was started as uid {own.uid}",
        "start the pod as root (no `--user`), or leave RUN_AS and PUID unset",
    )


class Powers(NamedTuple):
    """The capabilities of this process (capabilities(7), CapEff in /proc/self/status)."""

    uid: int
    dac_override: bool
    chown: bool
    fowner: bool
    change_user: bool = False
