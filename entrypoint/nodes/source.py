"""A: brings a node's files: a git clone, or a version of ComfyUI's registry; and updates them in place."""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple
from urllib.parse import urlsplit

from entrypoint.nodes import registry
from entrypoint.nodes.origin import Origin, branch_of
from entrypoint.nodes.outcome import Refused
from entrypoint.packages.overlay import pip_environ
from entrypoint.system.quiet_command import one_line, run_quietly

#: Seconds for a clone of a large pack, and for a question to its server.
_CLONE_S, _ASK_S = 900, 30
#: Bytes of one file that git may write: the pack of the largest known node, with example videos, has 0.9 GB.
_MOST = 2 << 30
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
    "GIT_HTTP_LOW_SPEED_TIME": "60",
}
#: What git says of a server that only serves files.
_NOT_SHALLOW = "dumb http transport"
#: What git says, and nothing else, where prlimit's signal has ended the process that writes the pack.
_TOO_LARGE = "invalid index-pack output"
#: What git says -> what it means to the user.
_MEANINGS = (
    ("could not read Username", "there is no such repository, or it needs a login"),
    ("Authentication failed", "there is no such repository, or it needs a login"),
    ("No space left on device", "the volume is full"),
    ("Read-only file system", "the volume is read-only"),
)


class Wanted(NamedTuple):
    """A node that is to be installed.

    Attributes:
        name: The folder's name.
        origin: The repository and commit ("": its newest), or the registry's id and version ("": its newest).
    """

    name: str
    origin: Origin


def parse_wanted(address: str) -> Wanted:
    """`URL[@COMMIT]`, `OWNER/NAME[@COMMIT]`, or a NAME of ComfyUI's registry with `@VERSION` or `@COMMIT`.

    Raises:
        Refused: It is none of these.
    """
    url, at, version = address.rpartition("@")
    if not at or ":" in version or "/" in version:
        url, version = address, ""
    if re.fullmatch(r"[a-z0-9][\w.-]{0,100}", url):
        commit = version if _COMMIT.fullmatch(version) and "." not in version else ""
        return Wanted(url, Origin("", commit, url, "" if commit else version))
    if version and not _COMMIT.fullmatch(version):
        url, version = address, ""
    if re.fullmatch(r"[\w.-]{1,100}/[\w.-]{1,100}", url):
        url = f"https://github.com/{url}"
    parts = urlsplit(url)
    if (parts.scheme not in ("https", "http") and not url.startswith("/")) or parts.username or parts.password:
        raise Refused("give the address of a git repository, as https://github.com/OWNER/NAME, without a login in it")
    name = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    if not re.fullmatch(r"[\w][\w. -]{0,100}", name):
        raise Refused("the address does not end with the name of a repository")
    return Wanted(name, Origin(url, version))


def bring(origin: Origin, target: str) -> None:
    """Make the new folder `target` with the node's files.

    Raises:
        Refused: They cannot be had.
        OSError: The volume refuses.
    """
    try:
        if origin.registry and not origin.commit:
            registry.unpack(registry.published(origin.registry, origin.version), target)
            return
        _clone(origin.repository or registry.repository_of(origin.registry), origin.commit, target)
    except registry.NotInRegistry as error:
        raise Refused(str(error)) from None


def clone_at(repository: str, reference: str, target: str) -> None:
    """Make a clone of one tag or branch, without its history. Raises Refused."""
    begin = ("clone", "--quiet", "--recurse-submodules")
    problem = git(*begin, "--depth", "1", "--branch", reference, "--", repository, target)
    if _NOT_SHALLOW in problem:
        problem = git(*begin, "--branch", reference, "--", repository, target)
    if problem:
        raise Refused(f"cannot clone {repository}: {problem}")


def _clone(url: str, commit: str, target: str) -> None:
    # Without the files of other commits: LayerStyle has 218 MB of them. A server that cannot do it sends them all.
    shallow = ["--filter=blob:none"] if commit else ["--depth", "1"]
    problem = git("clone", "--quiet", "--recurse-submodules", *shallow, "--", url, target)
    if shallow and _NOT_SHALLOW in problem:
        problem = git("clone", "--quiet", "--recurse-submodules", "--", url, target)
    if not problem and commit:
        problem = git("-C", target, "checkout", "--quiet", commit) or _submodules(target)
    if problem:
        raise Refused(f"cannot clone {url}: {problem}")


def newest_of(path: str, origin: Origin) -> str:
    """The newest commit or version, or "" for a node that has no source.

    Raises:
        Refused: The source cannot be asked.
    """
    if origin.registry:
        try:
            return registry.published(origin.registry).version
        except registry.NotInRegistry as error:
            raise Refused(str(error)) from None
    if not origin.repository:
        return ""
    command = ["-C", path, "ls-remote", "--quiet", "origin", branch_of(path)]
    return _asked(origin.repository, command).partition("\t")[0]


def references(repository: str) -> dict[str, str]:
    """The tags and branches of a repository, each with its commit.

    Raises:
        Refused: It cannot be asked.
    """
    found: dict[str, str] = {}
    for line in _asked(repository, ["ls-remote", "--quiet", "--heads", "--tags", "--", repository]).splitlines():
        commit, _, name = line.partition("\t")
        # `tag^{}` comes after an annotated tag: the commit, where the tag's own line has the tag's object.
        found[re.sub(r"^refs/(heads|tags)/|\^\{\}$", "", name)] = commit
    return found


def _asked(repository: str, command: list[str]) -> str:
    """What git prints. Raises Refused."""
    try:
        ended = subprocess.run(
            ["git", *command],  # noqa: S607 # found in PATH, as everywhere
            env=pip_environ() | _QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(f"cannot ask {repository}: {type(error).__name__}") from None
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(f"cannot ask {repository}: {_meaning(lines[-1] if lines else 'git failed')}")
    return ended.stdout.decode(errors="replace")


def update_clone(path: str, commit: str = "") -> None:
    """Move a clone to `commit`, or to the newest one of its branch; changes of the user's stay, or refuse it.

    Raises:
        Refused: It cannot be moved; it is as it was.
    """
    branch = branch_of(path)
    problem = "" if commit else git("-C", path, "fetch", "--quiet", "--depth", "1", "origin", branch)
    if _NOT_SHALLOW in problem:
        problem = git("-C", path, "fetch", "--quiet", "origin", branch)
    # --keep: refuses where a file that the update changes has changes of the user's.
    problem = problem or git("-C", path, "reset", "--quiet", "--keep", commit or "FETCH_HEAD") or _submodules(path)
    if "not uptodate" in problem or "would be overwritten" in problem:
        problem = "files of it have changes of your own; see: git diff"
    if problem:
        raise Refused(f"cannot update {os.path.basename(path)}: {problem}")


def _submodules(path: str) -> str:
    return git("-C", path, "submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1")


def git(*arguments: str) -> str:
    """Run git; returns "" or why it failed, in one line."""
    command = ["prlimit", f"--fsize={_MOST}", "git", *arguments]
    try:
        ended = run_quietly(command, _CLONE_S, pip_environ() | _QUIET)
    except subprocess.TimeoutExpired:
        return f"it takes longer than {_CLONE_S // 60} min"
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if ended.code == 0:
        return ""
    errors = [line for line in ended.errors if line.lower().startswith(("error:", "fatal:"))]
    for words, meaning in _MEANINGS:
        if any(words in line for line in ended.errors):
            return meaning
    if len(errors) == 1 and _TOO_LARGE in errors[0]:
        return f"the repository is larger than {_MOST / (1 << 30):.0f} GB"
    return one_line(errors[0] if errors else ended.last_error)


def _meaning(line: str) -> str:
    return next((meaning for words, meaning in _MEANINGS if words in line), one_line(line))
