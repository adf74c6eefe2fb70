"""A: how a file gets its place: where it is staged, what is set aside for it, and the move across file systems."""

from __future__ import annotations

import contextlib
import hashlib
import os

_BLOCK = 1 << 20
#: Beside the files, where a folder for models is on another disk than ours; ComfyUI lists names with known endings.
STAGING_ELSEWHERE = ".podkeeper-staging"


def elsewhere(folder: str, kept: str) -> str:
    """Where `folder` is on another file system than `kept`: the highest folder of that one that can be written to, so
    that it stays the same when folders are made below; else ""."""
    real, own = existing(os.path.realpath(folder)), existing(kept)
    try:
        device = os.stat(real).st_dev
        if not own or device == os.stat(own).st_dev:
            return ""
        while (
            (above := os.path.dirname(real)) != real and os.stat(above).st_dev == device and os.access(above, os.W_OK)
        ):
            real = above
    except OSError:
        return ""
    return real


def existing(folder: str) -> str:
    """The nearest folder above that exists; "" for none."""
    while folder not in ("", "/") and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def set_aside(target: str) -> str:
    """Rename what is at `target`, if anything, to a free name beside it; returns that, or ""."""
    if not os.path.lexists(target):
        return ""
    number, aside = 1, f"{target}.set-aside"
    while os.path.lexists(aside):
        number, aside = number + 1, f"{target}.set-aside-{number}"
    os.rename(target, aside)
    return aside


def copy_over(part: str, target: str) -> None:
    """The move where it crosses file systems: a hidden copy beside the target, whole, then renamed."""
    folder, name = os.path.split(target)
    copy = f"{folder}/.podkeeper-copy-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    try:
        with open(part, "rb") as source, open(copy, "wb") as file:
            while block := source.read(_BLOCK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.rename(copy, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(copy)
        raise
    os.unlink(part)
