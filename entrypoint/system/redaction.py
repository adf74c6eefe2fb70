"""P: removes secrets from text: the known ones, and whatever looks like one.

Log lines, reasons and conditions quote what programs and users wrote, tokens included.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "[secret]"
#: A secret shorter than this is replaced as a whole word only: it could be part of any other word.
_SHORT = 6
#: Text that looks like a secret. The first group stays. Strangers write into logs, so the time must be linear in the
#: text: what repeats a class of characters either consumes them or begins where none of them stands in front of it.
_LOOKS = re.compile(
    r"((?:[?&;\s\"'-]|^)(?:access_)?(?:token|api_?key|password|secret|signature)=)[^\s&\"'<>]+"
    r"|((?<![\w-])--[\w-]*(?:token|key|password|secret)(?:=|\s+))[^\s\"',]+"
    r"|((?:Authorization|Cookie|Set-Cookie): ?).+"
    r"|((?:Bearer|token) )[A-Za-z0-9._~+/-]{16,}=*"
    r"|(://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|()\b(?:hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|rpa_[A-Za-z0-9]{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]+\.[\w-]+)"
    r"|()-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*+(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    re.IGNORECASE | re.MULTILINE,
)
#: The query is optional in the pattern, so that every address is consumed at once: the time stays linear in the text.
_ADDRESS = re.compile(r"(https?://[^\s?\"'<>]+)(\?[^\s\"'<>]*)?", re.IGNORECASE)

_WORD = re.compile(r"\S+")
#: How often an address may be encoded over and over (a proxy encodes once more).
_ENCODED_TIMES = 3
#: A decoded word keeps these; line breaks and other control characters stay encoded.
_PRINTABLE = string.punctuation


def without_queries(text: str) -> str:
    """`text` with the query of every web address removed: signatures of presigned addresses travel there."""
    return _ADDRESS.sub(lambda found: found[1] + ("?" + HIDDEN if found[2] else ""), text)


class Redactor:
    """Replaces the pod's secrets, and text that looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        patterns = [
            re.escape(secret) if len(secret) >= _SHORT else rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])"
            for secret in known
        ]
        self._known = re.compile("|".join(patterns)) if patterns else None

    def text(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        text = self._plain(text)
        return _WORD.sub(self._decoded, text) if "%" in text else text

    def _plain(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _LOOKS.sub(lambda found: next(filter(None, found.groups()), "") + HIDDEN, text)

    def _decoded(self, found: re.Match[str]) -> str:
        """A word, decoded where that shows a secret: a server reads `%74oken=%41bc` as `token=Abc`."""
        word = decoded = found[0]
        for _ in range(_ENCODED_TIMES):
            decoded = unquote(decoded)
        shown = self._plain(decoded) if decoded != word else word
        return word if shown == decoded else quote(shown, safe=_PRINTABLE)

    def tree(self, value: Any) -> Any:
        """Return `value`, made of dicts, lists, tuples and plain values, with every secret in it replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.tree(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(each) for each in value]
        return value
