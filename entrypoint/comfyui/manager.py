"""P: what ComfyUI-Manager may do, in its config.ini: nothing risky while ComfyUI is open to everybody.

Manager goes by the address ComfyUI listens on (`is_loopback(args.listen)` in its manager_server.py): on the
loopback it takes whoever asks for somebody at this machine, and at its default, `security_level = normal`, installs
and updates nodes. Behind the locked gateway that is right, so nothing is changed there. With COMFYUI_AUTH=none it
would let everybody install what they like (ComfyUI issues 3461 and 3473 are miners that came this way), so then the
level is `strong`, and `personal_cloud`, which permits installing from elsewhere, is not accepted.
"""

from __future__ import annotations

import configparser
import re

SECTION = "default"
#: While the door is open.
RESTRICTED = {"security_level": "strong", "network_mode": "public"}
#: Modes that reach less than `public` does are the user's to choose.
_LESS_THAN_PUBLIC = ("offline", "private")
#: The version that moved its files to where ComfyUI keeps them from being read over HTTP.
_MOVED = (3, 38)


def config_folders(version: str) -> tuple[str, ...]:
    """Where this version of Manager has its config.ini, below ComfyUI's `user`; both where it is not known."""
    old, new = "default/ComfyUI-Manager", "__manager"
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        return old, new
    return (new,) if (int(found[1]), int(found[2])) >= _MOVED else (old,)


def version_in(pyproject: str) -> str:
    """The version a pyproject.toml states, or ""."""
    found = re.search(r'(?m)^version\s*=\s*"([^"]+)"', pyproject)
    return found[1] if found else ""


def restricted(text: str) -> str:
    """The file for an open door; what it says of other things stays as it is."""
    values = dict(RESTRICTED)
    if value_of(text, "network_mode") in _LESS_THAN_PUBLIC:
        del values["network_mode"]
    return with_values(text, values)


def restored(text: str, before: str) -> str:
    """The file for a locked door again: the user's own values, unless the user has chosen others since."""
    return with_values(
        text,
        {
            key: value_of(before, key) or usual
            for key, usual in (("security_level", "normal"), ("network_mode", "public"))
            if value_of(text, key) == RESTRICTED[key]
        },
    )


def value_of(text: str, key: str) -> str | None:
    """A value in lower case, as Manager reads it; None where there is none, or where the file can't be read."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser.get(SECTION, key, fallback="").strip().lower() or None


def with_values(text: str, values: dict[str, str]) -> str:
    """The text with these values in its section; every other line, comments too, as it was.

    A file that Manager could not read is replaced as a whole: it would go by its defaults.
    """
    lines = text.splitlines() if _readable(text) else []
    if f"[{SECTION}]" not in lines:
        lines.append(f"[{SECTION}]")
    key = re.compile(rf"\s*({'|'.join(map(re.escape, values))})\s*[=:]", re.IGNORECASE) if values else None
    kept, inside = [], False
    for line in lines:
        if line.lstrip().startswith("["):
            inside = line.strip() == f"[{SECTION}]"
        if not (inside and key and key.match(line)):
            kept.append(line)
    at = kept.index(f"[{SECTION}]") + 1
    kept[at:at] = [f"{name} = {value}" for name, value in values.items()]
    return "\n".join(kept) + "\n"


def _readable(text: str) -> bool:
    try:
        configparser.ConfigParser(strict=False, interpolation=None).read_string(text)
    except configparser.Error:
        return False
    return True
