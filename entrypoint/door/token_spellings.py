"""P: the spellings that programs give a token in an address, and a pattern for each that does not hold the token.

nginx compares what the client sent, undecoded, with one digest. Each spelling has a digest; nginx chooses it by the
spelling's shape: its characters that are not letters or digits.
"""

from __future__ import annotations

import re
from urllib.parse import quote

#: Characters that stay as they are, beside letters, digits and `_.-~`: curl and Python's quote(safe=""); quote();
#: JavaScript's encodeURIComponent and encodeURI; a browser's address line (special-query in WHATWG's URL standard);
#: nothing encoded.
_BROWSER = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
_SAFE = ("", "/", "!*'()", "!*'();/?:@&=+$,#", _BROWSER, _BROWSER.replace("%", ""), _BROWSER + "\"'#<>")
_ESCAPE = re.compile("%[0-9A-F]{2}")
_PLAIN = "[A-Za-z0-9._~-]"


def spellings(token: str) -> tuple[str, ...]:
    """The token in each spelling, hexadecimal digits in upper and lower case."""
    found = [quote(token, safe=safe) for safe in _SAFE]
    found.append(quote(token, safe="*").replace("~", "%7E"))  # forms: URLSearchParams, Java's URLEncoder
    lower = [_ESCAPE.sub(lambda escape: escape[0].lower(), text) for text in found]
    return tuple(dict.fromkeys([*found, *lower]))


def shape(spelling: str) -> str:
    """A regular expression for nginx.conf: what is odd about the spelling, without its letters and digits."""
    parts = re.split(rf"(%[0-9A-Fa-f]{{2}}|(?!{_PLAIN}).)", spelling, flags=re.DOTALL)
    odd = ("".join(f"\\x{ord(character):02x}" for character in part) for part in parts[1::2])
    return f"{_PLAIN}*" + "".join(f"{text}{_PLAIN}*" for text in odd)
