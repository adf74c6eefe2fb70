"""P: ComfyUI-Manager's permissions, in its config.ini: installations by git URL and pip behind the login, none without.

Manager decides by the address ComfyUI listens on (`is_loopback(args.listen)` in its manager_server.py): on loopback
it treats every request as local, and at its default, `security_level = normal`, installs and updates nodes. Behind
the gateway's login that is right. Only installations by git URL and by pip have permissions of their own, which are off
in a new file (3.41 and 4.2 answer 403 `allow_git_url_install`): they are switched on once, and then are the user's.
 With COMFYUI_AUTH=none anyone could install nodes
(ComfyUI issues 3461 and 3473 are miners that came this way), so then the level is `strong`, and `personal_cloud`,
which permits remote installations, is not accepted.
"""

from __future__ import annotations

import configparser
import re

SECTION = "default"
#: Permissions that Manager 3.41 and 4.2 decide about apart from the level.
INSTALLATIONS = ("allow_git_url_install", "allow_pip_install")
#: Values while ComfyUI has no login.
RESTRICTED = {"security_level": "strong", "network_mode": "public", **dict.fromkeys(INSTALLATIONS, "false")}
#: Network modes stricter than `public`, which the user may keep.
_LESS_THAN_PUBLIC = ("offline", "private")
#: The version that moved its files to a folder that ComfyUI does not serve over HTTP.
_MOVED = (3, 38)


def config_folders(version: str) -> tuple[str, ...]:
    """The folders of config.ini below ComfyUI's `user`, for this version of Manager; both for an unknown version."""
    old, new = "default/ComfyUI-Manager", "__manager"
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        return old, new
    return (new,) if (int(found[1]), int(found[2])) >= _MOVED else (old,)


def version_in(pyproject: str) -> str:
    """The version in the text of a pyproject.toml, or ""."""
    found = re.search(r'(?m)^version\s*=\s*"([^"]+)"', pyproject)
    return found[1] if found else ""


def permitted(text: str) -> str:
    """The file for a ComfyUI behind the login: installations by git URL and by pip are allowed."""
    values = dict.fromkeys(INSTALLATIONS, "true")
    # Without the key Manager installs by pip, which is 5 to 10 times slower; a file of its own has it.
    return with_values(text, values if text else {"use_uv": "true", **values})


def restricted(text: str) -> str:
    """The file for a ComfyUI without a login; its other values stay as they are."""
    stricter = {"network_mode"} if value_of(text, "network_mode") in _LESS_THAN_PUBLIC else set()
    return with_values(text, {key: value for key, value in RESTRICTED.items() if key not in stricter})


def restored(text: str, before: str) -> str:
    """The file for a ComfyUI with a login again: the user's values `before`, unless the user has changed them since."""
    defaults = {"security_level": "normal", "network_mode": "public", **dict.fromkeys(INSTALLATIONS, "true")}
    changed = [key for key in defaults if value_of(text, key) == RESTRICTED[key]]
    return with_values(text, {key: value_of(before, key) or defaults[key] for key in changed})


def value_of(text: str, key: str) -> str | None:
    """A value in lower case, as Manager reads it; None where it is missing or the file can't be parsed."""
    parser = _parsed(text)
    return parser.get(SECTION, key, fallback="").strip().lower() or None if parser else None


def with_values(text: str, values: dict[str, str]) -> str:
    """The text with these values in its section; every other line, comments included, is unchanged.

    A file that Manager can't parse is replaced as a whole: Manager would use its defaults.
    """
    lines = text.splitlines() if _parsed(text) else []
    if f"[{SECTION}]" not in lines:
        lines.append(f"[{SECTION}]")
    kept, inside = [], False
    for line in lines:
        if line.lstrip().startswith("["):
            inside = line.strip() == f"[{SECTION}]"
        if not (inside and line.replace(":", "=").partition("=")[0].strip().lower() in values):
            kept.append(line)
    at = kept.index(f"[{SECTION}]") + 1
    kept[at:at] = [f"{name} = {value}" for name, value in values.items()]
    return "\n".join(kept) + "\n"


def _parsed(text: str) -> configparser.ConfigParser | None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return parser
