"""P: the lenient reader of the settings: every value that cannot be used gives way to a default, and is reported.

The start uses it, and programs that read the container's environment (`docker exec`). Children of the entrypoint read
what the entrypoint has written, strictly: `Settings.from_environ`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from entrypoint.settings import owned_arguments, parsing, ports
from entrypoint.settings.settings import Settings, secret_variables
from entrypoint.settings.value_text import shown

#: Access tokens of the sites: a bad one costs gated downloads alone.
_SITES = ("HF_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN")
#: Where the default would do more than the user can have meant: a typo must not start 200 GB of downloads.
_SAFER = {"models": "none"}
#: Variable that chooses between the image's paths and local mode: no default is right.
_NO_DEFAULT = "PODKEEPER_HOME"
_PLACEHOLDER = re.compile(
    r"^(?:<.*>|\{\{.*\}\}|\$\{?\w+\}?|(?:your|my|enter|paste|insert|put|change)[ _-].*"
    r"|x{3,}|\*+|\.{3,}|none|null|hf_(?:x+|\.+|\*+))$",
    re.IGNORECASE | re.DOTALL,
)
_BEARER = re.compile(r"^(?:Authorization: ?)?(?:Bearer|token)\s", re.IGNORECASE)
_BOM = "\ufeff"
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
#: Characters of a value that are compared with what it could mean.
_LONGEST = 80
#: Not ours: Kubernetes' and Docker's links to a Service called jupyter, beside JUPYTER_PORT itself; paths.
_OTHERS = re.compile(r"_SERVICE_(?:HOST|PORT)|_PORT_[0-9]{1,5}_(?:TCP|UDP|SCTP)|_PATH$")


@dataclass(frozen=True, slots=True)
class Read:
    """Settings that work, and how they differ from what the environment says.

    Attributes:
        settings: The settings.
        problems: One line for each value that cannot be used; a strict start ends with them.
        notes: One line for each value that is used in another form, and each variable that is probably misspelt.
        fatal: The problems for which there is no default.
        secrets: Variable -> secret that a program of the pod is to get.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fatal: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def usable_environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` with these settings in place of its own: the strict reader takes it."""
        secrets = {each.metadata["variable"]: getattr(self.settings, each.name) for each in fields(Settings)
                   if each.metadata["secret"]}  # fmt: skip
        rest = {name: text for name, text in environ.items() if name not in secrets}
        return rest | self.settings.to_environ() | {name: text for name, text in secrets.items() if text}


def read_leniently(environ: Mapping[str, str], flags: Collection[str] = ()) -> Read:
    """Read the settings; `flags`: variables that are the pod's, too, and true or false (DOWNLOAD_<BUNDLE>)."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    notes: list[str] = []
    fatal: list[str] = []
    for each in fields(Settings):
        variable, parse = each.metadata["variable"], each.metadata["parse"]
        given = environ.get(variable, "").strip()
        text, note = _cleaned(variable, given, parse)
        notes += [note] if note else []
        if not text:
            continue
        try:
            values[each.name] = parse(text)
        except ValueError as error:
            default = _SAFER.get(each.name, each.default)
            if each.name in _SAFER:
                values[each.name] = default
            line = f"cannot use {variable}={shown(text, secret=each.metadata['secret'])}: {error}"
            if variable == _NO_DEFAULT:
                fatal.append(line)
            problems.append(line + _meant(text, error) + "; " + _instead(variable, default))
    settings, clashes = ports.without_clashes(Settings(**values), values)
    arguments, owned = owned_arguments.without_owned(settings.comfyui_args)
    problems += clashes + [f"{problem}; ComfyUI starts without it" for problem in owned]
    problems += _bad_flags(environ, flags)
    notes += _misspelt(environ, flags)
    return Read(replace(settings, comfyui_args=arguments), tuple(problems), tuple(notes), tuple(fatal))


def _bad_flags(environ: Mapping[str, str], flags: Collection[str]) -> list[str]:
    problems = []
    for variable in flags:
        text = environ.get(variable, "").strip()
        try:
            parsing.boolean(text or "false")
        except ValueError as error:
            problems.append(f"cannot use {variable}={shown(text)}: {error}{_meant(text, error)}; it counts as false")
    return problems


def _cleaned(variable: str, given: str, parse: object) -> tuple[str, str]:
    """The text to parse ("": as if unset), and a note where it is another one than the given text."""
    text = given.strip(_BOM + " \t\r\n")
    if parse is parsing.port and parsing.is_service_link(text):
        return "", (
            f"{variable}={shown(text)} is ignored: it is Kubernetes' link to a Service, not a port; "
            "rename the Service, or set enableServiceLinks: false in the pod's spec"
        )
    if variable in _SITES:
        return _cleaned_login(variable, given, text)
    if parse is parsing.arguments and _is_quoted_twice(text):
        return text, f"{variable}: the quotes around the whole value are removed; leave them out of the env file"
    return text, "" if text == given else f"{variable}: the byte order mark in front of the value is removed"


def _cleaned_login(variable: str, given: str, text: str) -> tuple[str, str]:
    odd = ["a byte order mark"] if text != given else []
    if (bare := text.strip(_QUOTES + " ")) != text:
        text, odd = bare, [*odd, "quotes"]
    if (bare := _BEARER.sub("", text, count=1).strip(_QUOTES + " ")) != text:
        text, odd = bare, [*odd, "the word Bearer"]
    if text and _PLACEHOLDER.fullmatch(text):
        note = f"{variable} is ignored: it is a placeholder, not a token; set it to your token, or unset it"
        return "", note
    if not odd:
        return text, ""
    return text, f"{variable} is used without what is around the token ({', '.join(odd)}); set it to the token alone"


def _is_quoted_twice(text: str) -> bool:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return False
    try:
        return len(parsing.arguments(text)) > 1 and text[0] not in text[1:-1]
    except ValueError:
        return False


def _meant(text: str, error: ValueError) -> str:
    if not isinstance(error, parsing.NotOneOf):
        return ""
    nearest = _nearest(text.lower().strip(_QUOTES), error.words, 0.5)
    return f" (did you mean {nearest}?)" if nearest else ""


def _instead(variable: str, default: Any) -> str:
    if variable in ("JUPYTER_TOKEN", "JUPYTER_PASSWORD"):
        return "it is ignored: without another token the pod makes one"
    if variable in _SITES:
        return "downloads that need it fail"
    if default in ("", ()):
        return "it is ignored"
    return f"{str(default).lower() if isinstance(default, bool) else default} is used"


def _misspelt(environ: Mapping[str, str], more_names: Collection[str]) -> list[str]:
    """A note for each variable that is not the pod's and is spelt almost like one of its own."""
    known = {each.metadata["variable"] for each in fields(Settings)} | set(more_names)
    known |= {f"{name}_FILE" for name in secret_variables()}
    beginnings = {name[:3] for name in known}
    notes = []
    for name in sorted(environ):
        if name[:3].upper() not in beginnings or name in known or name.startswith("RUNPOD_") or _OTHERS.search(name):
            continue
        if nearest := _nearest(name.upper(), known, 0.85):
            notes.append(f"{name} is no setting of the pod; did you mean {nearest}?")
    return notes


def _nearest(text: str, words: Collection[str], cutoff: float) -> str:
    import difflib  # only where something is wrong: the start pays for its imports

    return next(iter(difflib.get_close_matches(text[:_LONGEST], sorted(words), 1, cutoff)), "")
