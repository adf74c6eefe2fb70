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
from entrypoint.commands.cost_arguments import add_cost
from entrypoint.commands.node_arguments import PACKAGES, add_nodes, add_packages
from entrypoint.commands.outputs_arguments import add_outputs
from entrypoint.commands.queue_arguments import NO_POD, add_queue
from entrypoint.commands.run_arguments import RUN_CODES, add_run
from entrypoint.settings.services import PROGRAMS, SERVICES, with_logs

#: sysexits.h: the command was used incorrectly.
EX_USAGE = 64
#: The commands that supervisorctl performs, with their help texts.
CONTROL = {
    "start": "start programs that were stopped, or that wait for their restart",
    "stop": "stop programs until they are started again",
    "restart": "restart programs",
    "tail": "print the end of a program's output (supervisorctl tail)",
}
#: Exit codes that several commands share.
_MODELS = "0 complete, 1 incomplete, 2 bad manifest or flag, 3 no space, 75 later, 77 not permitted, 78 bad settings"
_WAIT = "0 installed, 1 a file cannot be had, or nothing fetches it, 2 no such name, 75 the time is over, 77, 78"
_WORKFLOW = (
    "0 everything is installed, 1 something is missing that can be had (fetch: that failed), 2 something cannot be "
    "had, 3 no space, 65 no workflow, 66 it cannot be read, 75 later, 77 not permitted, 78 bad settings"
)
_GPU = "0 the GPU works, 1 it does not, 3 it is slow, shared or faulty, 4 nothing was checked, 77, 78 bad settings"
_NAMES = [program.name for program in PROGRAMS]


class Offered(tuple[str, ...]):
    """Choices that completion offers while the command accepts other words, too."""

    def __contains__(self, word: object) -> bool:
        return True


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors that name the nearest word, and exit code 64 for them."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown argument is an error of the command it belongs to, which suggests its own options."""
        given, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return given, unknown

    def error(self, message: str) -> NoReturn:
        """Print the problem in one line and exit with EX_USAGE."""
        unknown = re.match(r"unrecognized arguments: (-\S*)", message)
        near = difflib.get_close_matches(unknown[1], self._option_string_actions, 1) if unknown else []
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
    parser = Parser("podkeeper", description="Show, check and control the pod that runs here.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"podkeeper {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    status = _command(
        commands, "status", "show what runs, what is restarted and why",
        "0 every enabled service answers (with names: those), 1 the first one does not, 3 another does not, " + NO_POD,
    )  # fmt: skip
    status.add_argument("program", nargs="*", choices=[*_NAMES, "all"], metavar="PROGRAM", help="these alone")
    shape = status.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print the snapshot of the status page as JSON")
    shape.add_argument("--watch", action="store_true", help="refresh every second, until Ctrl-C")

    doctor = _command(
        commands, "doctor", "run every check, the cause of trouble first",
        "0 no check failed (warnings count as 0), 1 a check failed, 73 the bundle cannot be written, 78 bad settings",
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.add_argument("--bundle", metavar="FILE", help="also write a support bundle (.tar.gz) without secrets")

    logs = _command(commands, "logs", "show the end of the pod's logs", "0, 1 there is no such log, " + NO_POD)
    names = Offered(program.name for program in with_logs())
    logs.add_argument("name", nargs="*", choices=names, metavar="NAME", help="show these logs alone")
    logs.add_argument("-f", "--follow", action="store_true", help="show new lines as they come, until Ctrl-C")
    logs.add_argument("-n", "--lines", type=_count, default=100, metavar="LINES", help="lines of each log (100)")

    codes = "0, 1 the login cannot be read, " + NO_POD
    url = _command(commands, "url", "print the services' addresses, with the login", codes)
    pages = [service.name for service in SERVICES if service.page]
    url.add_argument("service", nargs="?", choices=pages, metavar="SERVICE", help="its address alone, without a title")

    for name, text in CONTROL.items():
        control = _command(commands, name, text, "those of supervisorctl, " + NO_POD)
        if name == "tail":
            control.add_argument("-f", action="store_true", help="show new output as it comes, until Ctrl-C")
            control.add_argument("program", choices=_NAMES, metavar="PROGRAM", help="a program's name")
        else:
            several = [*_NAMES, "all"]
            control.add_argument("program", nargs="+", choices=several, metavar="PROGRAM", help="names, or all")

    _add_models(_command(commands, "models", "list, download, add and remove models", _MODELS))
    _add_workflow(_command(commands, "workflow", "show and install what a workflow of ComfyUI needs", _WORKFLOW))
    add_run(_command(commands, "run", "run a workflow once, and print where its files are", RUN_CODES))
    add_nodes(commands, _command)
    _add_comfyui(_command(commands, "comfyui", "list and use other versions of ComfyUI", PACKAGES))
    add_packages(commands, _command)
    add_cost(commands, _command)
    export = _command(commands, "export", "write what another ComfyUI needs to run like this pod's", PACKAGES)
    export.add_argument("folder", nargs="?", default="", metavar="FOLDER", help="`export` in the data folder, if none")
    add_queue(commands, _command)
    add_outputs(commands, _command, _count)
    gpu = _command(commands, "gpu", "show what the check of the GPU has found", _GPU)
    gpu.add_argument("--json", action="store_true", help="print the report, with every number, as JSON")
    gpu.add_argument("--again", action="store_true", help="check again first; it takes up to a minute")
    completion = _command(commands, "completion", 'print shell completion: eval "$(podkeeper completion bash)"', "0")
    completion.add_argument("shell", choices=["bash", "zsh"], metavar="SHELL", help="bash or zsh")
    _command(commands, "help", "show this help", "0")
    return parser


def _add_workflow(workflow: Parser) -> None:
    verbs = workflow.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    plan = _command(verbs, "plan", "show what a workflow needs, what is missing, and where that is from", _WORKFLOW)
    plan.add_argument("--json", action="store_true", help="print the plan as JSON")
    fetch = _command(verbs, "fetch", "install the models and custom nodes that a workflow lacks", _WORKFLOW)
    fetch.add_argument("--no-nodes", action="store_true", help="the models alone: custom nodes run their own code")
    for verb in (plan, fetch):
        verb.add_argument(
            "--take", action="append", default=[], type=_choice, metavar="NAME=ADDRESS",
            help="take a model that the workflow has no address of from there",
        )  # fmt: skip
        verb.add_argument(
            "file", metavar="FILE|URL|-",
            help="JSON of the user interface or the API, or a PNG, WebP, MP4 or WebM that ComfyUI has saved; -: stdin",
        )  # fmt: skip


def _add_comfyui(comfyui: Parser) -> None:
    verbs = comfyui.add_subparsers(dest="verb", metavar="COMMAND")
    _command(verbs, "list", "list the version that runs, those on the volume, and the newest releases", PACKAGES)
    use = _command(verbs, "use", "prepare a version beside the running one, try it, and switch to it", PACKAGES)
    use.add_argument("version", metavar="VERSION", help="a tag (v0.28.0, latest), a branch, a whole commit, or image")
    use.add_argument("--anyway", action="store_true", help="also where it cannot import custom nodes that work now")
    _command(verbs, "rollback", "switch back to the version before", PACKAGES)


def _add_models(models: Parser) -> None:
    verbs = models.add_subparsers(dest="verb", metavar="COMMAND")
    listing = _command(verbs, "list", "list bundles and files: wanted, installed, sizes, what failed and why", _MODELS)
    listing.add_argument("bundle", nargs="*", metavar="BUNDLE", help="these alone")
    listing.add_argument("--json", action="store_true", help="print all of it as JSON")
    plan = _command(verbs, "plan", "print what would be downloaded", _MODELS)
    plan.add_argument("bundle", nargs="*", metavar="BUNDLE", help="these alone; without a name, all wanted bundles")
    fetch = _command(verbs, "fetch", "download now, with progress", _MODELS)
    fetch.add_argument(
        "what", nargs="*", metavar="BUNDLE|ADDRESS", help="these alone; an address joins models.toml, as `add` has it"
    )
    update = _command(
        verbs, "update", "show which installed files have a newer version at their source; --yes fetches those", _MODELS
    )
    update.add_argument("name", nargs="*", metavar="FILE|BUNDLE", help="these alone")
    update.add_argument(
        "--yes", action="store_true", help="fetch them; each old file stays until its new one is verified"
    )
    for name, text in (("first", "fetch bundles or files before all others"), ("later", "fetch them after all others")):
        verb = _command(verbs, name, f"{text}; kept over restarts", _MODELS)
        verb.add_argument("name", nargs="+", metavar="FILE|BUNDLE", help="names of `podkeeper models list`")
    wait = _command(verbs, "wait", "wait until bundles or files are installed", _WAIT)
    wait.add_argument("name", nargs="*", metavar="FILE|BUNDLE", help="without a name: all that this pod fetches")
    wait.add_argument("--timeout", type=_seconds, default=0, metavar="SECONDS", help="give up after so long (never)")
    _command(verbs, "verify", "hash the downloaded files again", _MODELS)
    add = _command(verbs, "add", "add files to models.toml on the volume", _MODELS)
    add.add_argument(
        "url", nargs="+", metavar="URL",
        help="address as the browser shows it: Hugging Face, Civitai, GitHub, any; owner/name, hf://, a folder",
    )  # fmt: skip
    for verb in (add, fetch):
        verb.add_argument("--dest", default="", metavar="PATH", help="folder/ or folder/name below the models folder")
        verb.add_argument("--sha256", default="", metavar="HEX", help="the file's SHA-256 hash")
        verb.add_argument(
            "--bundle", default="MINE", metavar="NAME", type=_bundle_name, help="the files' bundle (MINE)"
        )
        verb.add_argument(
            "--include", action="append", default=[], metavar="PATTERN",
            help="of a repository, folder or release: the files that match, as '*fp8*'; '!*.bin' leaves out",
        )  # fmt: skip
        verb.add_argument("--yes", action="store_true", help="all model files of a repository, folder or release")
    search = _command(verbs, "search", "look for a model at Hugging Face and Civitai", _MODELS)
    search.add_argument("words", nargs="+", metavar="WORDS", help="a file's name, a SHA-256, or words")
    remove = _command(verbs, "rm", "remove downloaded files, and print what that frees", _MODELS)
    remove.add_argument("name", metavar="FILE|BUNDLE", help="a file below the models folder, or all files of a bundle")


def _command(commands: Any, name: str, text: str, codes: str) -> Parser:
    """Add a command; `codes`: its exit codes besides 64, a usage error, for the end of its help."""
    epilog = f"Exit codes: {codes}; 64 usage error."
    made: Parser = commands.add_parser(name, help=text, description=text, epilog=epilog, allow_abbrev=False)
    return made


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def _choice(text: str) -> tuple[str, str]:
    name, separator, address = text.partition("=")
    if not separator or not name or not address:
        raise argparse.ArgumentTypeError("must be a model's name, =, and its address")
    return name, address


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a number of seconds")
    return int(text)


def _bundle_name(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", text) or text == "ALL":
        raise argparse.ArgumentTypeError("must be capital letters, digits and _, and not ALL")
    return text
