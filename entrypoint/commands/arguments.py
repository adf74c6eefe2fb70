"""P: the command line: every command, its arguments and its help, as one argparse tree.

Help, usage errors and shell completion (shtab) derive from it; names of programs, services and logs from the services
table.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from entrypoint import __version__
from entrypoint.settings.services import PROGRAMS, SERVICES, with_logs

#: sysexits.h: the command was used incorrectly.
EX_USAGE = 64
#: Answered by supervisorctl, pointed at this pod.
CONTROL = {
    "start": "start programs that were stopped, or that wait for their restart",
    "stop": "stop programs until they are started again",
    "restart": "restart programs",
    "tail": "print the end of a program's output (supervisorctl tail)",
}
_NAMES = [program.name for program in PROGRAMS]


class Offered(tuple[str, ...]):
    """Choices that completion offers while the command accepts other words, too."""

    def __contains__(self, word: object) -> bool:
        return True


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors that name the nearest word, and exit code 64 for them."""

    def error(self, message: str) -> NoReturn:
        """Print the problem in one line and exit with EX_USAGE."""
        unknown = re.match(r"unrecognized arguments: (-\S*)", message)
        options = [option for action in actions_of(self) for option in action.option_strings]
        near = difflib.get_close_matches(unknown[1], options, 1) if unknown else []
        hint = f"did you mean {near[0]}?" if near else f"see {self.prog} --help"
        print(f"{self.prog}: {message}; {hint}", file=sys.stderr)
        sys.exit(EX_USAGE)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or isinstance(value, list) or value in action.choices:
            return
        names = list(action.choices)
        near = difflib.get_close_matches(str(value), names, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
        print(f"{self.prog}: there is no {value!r}; {hint}", file=sys.stderr)
        sys.exit(EX_USAGE)


def actions_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the actions of the parser and of all its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from actions_of(command)


def build_parser() -> Parser:
    """Return the parser of `podkeeper`."""
    parser = Parser("podkeeper", description="See, control and mend the pod that runs here.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"podkeeper {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    status = _command(
        commands, "status", "show what runs, what is restarted and why",
        "0 every enabled service answers (with names: those), 1 the first one does not, 3 another does not, 69 no pod.",
    )  # fmt: skip
    status.add_argument("program", nargs="*", choices=[*_NAMES, "all"], metavar="PROGRAM", help="show these alone")
    shape = status.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print status.json")
    shape.add_argument("--watch", action="store_true", help="draw again every second, until Ctrl-C")

    doctor = _command(
        commands, "doctor", "run every check, the cause of trouble first",
        "0 nothing failed (there may be warnings), 1 a check failed, 73 the bundle cannot be written.",
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.add_argument("--bundle", metavar="FILE", help="also write a support bundle (.tar.gz) without secrets")

    logs = _command(commands, "logs", "show the end of the pod's logs", "0, 1 there is no such log.")
    names = Offered(program.name for program in with_logs())
    logs.add_argument("name", nargs="*", choices=names, metavar="NAME", help="these logs alone")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines, until Ctrl-C")
    logs.add_argument("-n", "--lines", type=_count, default=100, metavar="LINES", help="lines of each log (100)")

    url = _command(commands, "url", "print the services' addresses, with the login", "0, 1 the login cannot be read.")
    pages = [service.name for service in SERVICES if service.page]
    url.add_argument("service", nargs="?", choices=pages, metavar="SERVICE", help="this one alone, without its title")

    for name, text in CONTROL.items():
        control = _command(commands, name, text, "those of supervisorctl.")
        if name == "tail":
            control.add_argument("-f", "--follow", action="store_true", help="go on with new output, until Ctrl-C")
            control.add_argument("program", choices=_NAMES, metavar="PROGRAM")
        else:
            control.add_argument("program", nargs="+", choices=[*_NAMES, "all"], metavar="PROGRAM")

    _add_models(_command(commands, "models", "list, download, add and remove models", ""))
    completion = _command(commands, "completion", 'print shell completion: eval "$(podkeeper completion bash)"', "")
    completion.add_argument("shell", choices=["bash", "zsh"], metavar="SHELL")
    _command(commands, "help", "show this help", "")
    return parser


def _add_models(models: Parser) -> None:
    codes = "0 complete, 1 something is unavailable, 2 bad settings or manifest, 3 it does not fit, 75 try again later."
    verbs = models.add_subparsers(dest="verb", metavar="COMMAND")
    _command(verbs, "list", "list the bundles: wanted or not and why, how many files are installed", codes)
    for name, text in (("plan", "print what would be downloaded"), ("fetch", "download now, with progress")):
        verb = _command(verbs, name, text, codes)
        verb.add_argument("bundle", nargs="*", metavar="BUNDLE", help="these bundles alone, else all that is wanted")
    _command(verbs, "verify", "hash the downloaded files again", codes)
    add = _command(verbs, "add", "add a file to models.toml on the volume", codes)
    add.add_argument("url", metavar="URL", help="address as the browser shows it: Hugging Face, Civitai, GitHub, any")
    add.add_argument("--dest", default="", metavar="PATH", help="folder/ or folder/name below the models folder")
    add.add_argument("--sha256", default="", metavar="HEX", help="the file's hash")
    add.add_argument("--bundle", default="MINE", metavar="NAME", type=_bundle_name, help="its bundle (MINE)")
    remove = _command(verbs, "rm", "remove downloaded files, and print what that frees", codes)
    remove.add_argument("name", metavar="FILE|BUNDLE")


def _command(commands: Any, name: str, text: str, codes: str) -> Parser:
    """Add a command; `codes`: its exit codes besides 64, a usage error, for the end of its help."""
    epilog = f"Exit codes: {codes.rstrip('.')}, 64 usage error." if codes else None
    made: Parser = commands.add_parser(name, help=text, description=text, epilog=epilog, allow_abbrev=False)
    return made


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a number of lines")
    return int(text)


def _bundle_name(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", text) or text == "ALL":
        raise argparse.ArgumentTypeError("must be capital letters, digits and _, and not ALL")
    return text
