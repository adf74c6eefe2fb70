"""P: the value of a setting as text: for a message, and for the environment of a child."""

from __future__ import annotations

from dataclasses import Field
from typing import Any

from entrypoint.settings import parsing

#: Characters of a value in a message.
_LONGEST = 200


def shown(text: str, *, secret: bool = False) -> str:
    """A value for a message; the query and the login of an address stay out: signatures and passwords."""
    if secret:
        return "(secret)"
    text = parsing.without_login(text)
    base, mark, _ = text.partition("?") if "/" in text else (text, "", "")
    text = base + (mark and "?...")
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "...")


def as_text(setting: Field[Any], value: Any) -> str:
    """The text from which the setting's parser makes the value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if setting.metadata["parse"] in (parsing.origins, parsing.workflows):
        return ",".join(value)  # no shell's quotes around the brackets of http://[::1]
    if isinstance(value, tuple):
        import shlex  # only here, already loaded by the parser

        return shlex.join(value)
    return str(value)
