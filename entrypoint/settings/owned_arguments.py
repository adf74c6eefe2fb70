"""P: arguments in COMFYUI_ARGS that the pod sets itself, or that would make ComfyUI exit, in every spelling."""

from __future__ import annotations

from collections.abc import Sequence

_EXITS = "ComfyUI would exit at once and be restarted for ever"
_TLS = "ComfyUI listens on the loopback, behind the door; the proxy in front of the pod has the certificate"
#: Arguments with a value.
_WITH_VALUE = {
    "--port": "set COMFYUI_PORT instead",
    "--listen": "ComfyUI listens on the loopback, behind the door",
    "--base-directory": "its data folder is the volume's comfyui folder",
    "--tls-keyfile": _TLS,
    "--tls-certfile": _TLS,
}
_OWNED = _WITH_VALUE | dict.fromkeys(("--quick-test-for-ci", "--list-feature-flags", "--help", "-h"), _EXITS)


def without_owned(arguments: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the arguments that ComfyUI may get, and one problem for each of the others."""
    kept, problems = [], []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        owned = _owned(name)
        if not owned:
            kept.append(word)
            continue
        problems.append(f"cannot use {name} in COMFYUI_ARGS: {_OWNED[owned]}")
        if owned in _WITH_VALUE and not equals and rest and _is_value(rest[0]):
            rest.pop(0)
    return tuple(kept), problems


def _owned(name: str) -> str:
    """The argument that `name` means. argparse takes any beginning (--por, --lis); an ambiguous one makes it exit."""
    if name in _OWNED:
        return name
    if len(name) < 3 or not name.startswith("--"):
        return ""
    return next((owned for owned in _OWNED if owned.startswith(name)), "")


def _is_value(word: str) -> bool:
    return not word.startswith("-") or word[1:].isdigit()
