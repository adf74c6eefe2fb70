"""P: parsers of settings: text from the environment -> value.

Every parser raises `ValueError("must be ...")` for text it cannot use; `settings` puts the variable and the text in
front of it: "cannot use JUPYTER_PORT='x': must be 1-65535".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_ORIGIN = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
_POD_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_PRINTABLE = re.compile(r"[!-~]+")
_WEB_ADDRESS = re.compile(r"https?://[^\s/@\"\\%]+(/[^\s\"\\%]*)?")
#: Digits of a number of MiB or MB/s: more than any machine has.
_DIGITS = 12
_SERVICE_LINK = re.compile(r"(?:tcp|udp|sctp)://[^\s/]+:[0-9]+", re.IGNORECASE)
_AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")
_GIT_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


class NotOneOf(ValueError):
    """The text is none of a few words; `words` are what it could mean."""

    def __init__(self, message: str, words: Iterable[str]) -> None:
        super().__init__(message)
        self.words = tuple(words)


def port(text: str) -> int:
    """Parse a TCP port, 1-65535."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError("must be 1-65535")
    return int(text)


def is_service_link(text: str) -> bool:
    """Whether Kubernetes made the value: a Service called jupyter sets JUPYTER_PORT to tcp://ADDRESS:PORT."""
    return bool(_SERVICE_LINK.fullmatch(text))


def whole_number(unit: str) -> Callable[[str], int]:
    """Return a parser for a whole number of a unit, for example MiB."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"must be a whole number of {unit}")
        if len(text) > _DIGITS:
            raise ValueError(f"must be a whole number of {unit} with {_DIGITS} digits at most")
        return int(text)

    return parse


def amount(text: str) -> float:
    """Parse an amount of money or of hours: 0.69, 8; 0 is none."""
    if not _AMOUNT.fullmatch(text.removeprefix("$")):
        raise ValueError("must be a number like 8 or 0.69")
    return float(text.removeprefix("$"))


def length_of_time(text: str) -> str:
    """Parse a length of time (30m); it stays text, and is parsed again where it is used. `off` is ""."""
    from entrypoint.settings.durations import seconds_of  # only where one is set

    return text if seconds_of(text) else ""


def boolean(text: str) -> bool:
    """Parse true/false, 1/0, yes/no or on/off in any case; anything else is an error, not a guess."""
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise NotOneOf("must be true or false (also 1/0, yes/no, on/off)", ("true", "false"))
    return word in _TRUE


def boolean_or(word: str) -> Callable[[str], str]:
    """Return a parser for true, false (as `boolean` takes them) or one more word."""

    def parse(text: str) -> str:
        if text.lower() == word:
            return word
        try:
            return "true" if boolean(text) else "false"
        except NotOneOf:
            raise NotOneOf(f"must be true, false or {word}", ("true", "false", word)) from None

    return parse


def duration(text: str) -> int:
    """Parse seconds, or a number with a unit: `90`, `90s`, `2m`, `1h`."""
    from entrypoint.settings.durations import seconds_of  # only where one is set

    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return int(seconds_of(text))
    except ValueError:
        raise ValueError("must be seconds, or a number with a unit: 90, 90s, 2m, 1h") from None


def choice(*words: str) -> Callable[[str], str]:
    """Return a parser for one of a few words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise NotOneOf("must be " + " or ".join(words), words)
        return text.lower()

    return parse


def token(text: str) -> str:
    """Parse a token: printable ASCII without spaces, because it travels in URLs and headers."""
    if not _PRINTABLE.fullmatch(text):
        raise ValueError("must be printable ASCII characters without spaces (it travels in URLs and headers)")
    return text


def without_login(text: str) -> str:
    """A text for a message, without the login of an address in it.

    Up to the last @: a password may contain @, / and ?, and the scheme may be missing. `git@github.com:o/r` stays.
    """
    login, at, rest = text.rpartition("@")
    if ":" not in login:
        return text
    scheme, mark, _ = login.partition("://")
    return f"{scheme if mark else ''}{mark}[secret]{at}{rest}"


def origins(text: str) -> tuple[str, ...]:
    """Parse web origins (scheme://host[:port]), separated by commas or spaces."""
    found = tuple(word.lower().rstrip("/") for word in text.replace(",", " ").split())
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            shown = without_login(origin).partition("?")[0]
            raise ValueError(f"must be origins like https://example.com, separated by commas; {shown!r} is not one")
        if origin.rpartition(":")[2].isdigit():
            port(origin.rpartition(":")[2])
    return found


def pod_id(text: str) -> str:
    """Parse RunPod's pod id, which becomes a DNS label of the pod's address."""
    if not _POD_ID.fullmatch(text):
        raise ValueError("must be letters, digits and dashes (it is part of the pod's address)")
    return text.lower()


def arguments(text: str) -> tuple[str, ...]:
    """Parse command line arguments, split as a POSIX shell splits them; nothing is expanded or run.

    `docker run --env-file` keeps the quotes around a value: a text that is one quoted word is split again.
    """
    try:
        words = shlex.split(text)
        while len(words) == 1 and (inner := _several(words[0])):
            words = inner
        return tuple(words)
    except ValueError as error:
        raise ValueError(f"must be arguments as a shell takes them ({str(error).lower()})") from None


def _several(word: str) -> list[str]:
    """The arguments in a word, [] where it is one argument (`--output-directory=/a b`)."""
    if not word.startswith("-") or not any(character.isspace() for character in word):
        return []
    inner = shlex.split(word)
    return inner if "=" not in inner[0] or any(part.startswith("-") for part in inner[1:]) else []


def path(text: str) -> str:
    """Parse an absolute path that supervisord.conf can hold inside double quotes."""
    if not text.startswith("/"):
        raise ValueError("must be an absolute path")
    if len(text.encode("utf-8", "surrogateescape")) > 1024:
        raise ValueError("must have 1024 bytes at most")
    if any(ord(character) < 32 or character in '"\\%' for character in text):
        raise ValueError("must not contain quotes, backslashes, % or control characters")
    return text.rstrip("/") or "/"


def home(text: str) -> str:
    """Parse an absolute path of a home: Jupyter replaces `$NAME` in the path of its configuration, and misses it."""
    if "$" in text:
        raise ValueError("must not contain $")
    return path(text)


def repository(text: str) -> str:
    """Parse the address of a git repository (https://, ssh://, file:// or an absolute path), without a login in it."""
    if not text.startswith(("https://", "http://", "ssh://", "file:///", "/")) or text.startswith("//"):
        raise ValueError("must be an https:// address or an absolute path of a git repository")
    login = "@" in text.partition("://")[2].partition("/")[0] and not text.startswith("ssh://")
    if login or (text.startswith("http") and ("?" in text or _has_odd_port(text))):
        raise ValueError("must not contain a login: logs would show it")
    return text


def git_ref(text: str) -> str:
    """Parse a git tag, branch or commit."""
    if not _GIT_REF.fullmatch(text) or ".." in text:
        raise ValueError("must be a git tag, branch or commit")
    return text


def _has_odd_port(text: str) -> bool:
    """Whether what follows the host's colon is no port: a password with a / in it, most likely."""
    netloc = re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]
    after = netloc.rpartition("]")[2].partition(":")[2]
    return bool(after) and not (after.isascii() and after.isdigit())


def web_address(text: str) -> str:
    """Parse an http(s) address without a login in it; a slash at its end is dropped."""
    if not _WEB_ADDRESS.fullmatch(text) or _has_odd_port(text):
        raise ValueError("must be an https:// address without a login in it")
    return text.rstrip("/")


def manifest(text: str) -> str:
    """Parse the place of a manifest: an absolute path or an http(s) address."""
    if text.startswith("/") and not text.startswith("//"):
        return path(text)
    base, mark, query = text.partition("?")
    base = base.rstrip("/")
    web_address(re.sub("%[0-9A-Fa-f]{2}", "x", base))
    if query and not _PRINTABLE.fullmatch(query):
        raise ValueError("must not contain spaces or characters that are not ASCII after the ?")
    return base + mark + query.partition("#")[0]


def workflows(text: str) -> tuple[str, ...]:
    """Parse the places of workflows, absolute paths and http(s) addresses, separated by commas."""
    return tuple(dict.fromkeys(manifest(word.strip()) for word in text.split(",") if word.strip()))


def hours(text: str) -> str:
    """Parse a daily time window; it stays text, and is parsed again where it is used."""
    from entrypoint.settings.hours import parse_hours  # only where they are set

    parse_hours(text)
    return text


def outputs_to(text: str) -> str:
    """Parse OUTPUTS_TO; it stays text, and is parsed again where it is used."""
    from entrypoint.settings.destinations import destination  # only where it is set

    destination(text)
    return text


def webhook(text: str) -> str:
    """Parse the address of a webhook."""
    from entrypoint.settings.destinations import webhook  # only where one is set

    return webhook(text)
