"""Root's own modules write, rename and change owners by descriptors: a path leads where the services' user wants it to.

What may still go by a path is in `ALLOWED`, each with the reason why no other user can lead it elsewhere.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.checkout import ROOT

#: The modules that root runs before it drops its privileges, or without dropping them.
ROOTS = (
    "__main__.py", "cli.py", "boot/*.py", "supervision/*.py", "volumes/*.py", "system/*.py",
    "door/kept_secrets.py", "door/login.py", "door/__main__.py", "doctor/__main__.py", "doctor/examine.py",
    "doctor/support_bundle.py", "models/sources/tokens.py", "ssh/*.py", "start_command/keep.py", "runpod/*.py",
)  # fmt: skip
#: Functions of os that change what a path leads to.
CHANGES = {
    "chmod", "chown", "lchown", "link", "makedirs", "mkdir", "mkfifo", "mknod", "remove", "removedirs", "removexattr",
    "rename", "renames", "replace", "rmdir", "setxattr", "symlink", "truncate", "unlink", "utime",
}  # fmt: skip
#: Methods of pathlib.Path that do, and our own functions that write a file by its path.
METHODS = {"hardlink_to", "mkdir", "symlink_to", "touch", "write_bytes", "write_text"}
OURS = {"write_atomically", "write_json", "sync_folder", "remove"}
BY_DESCRIPTOR = {"dir_fd", "src_dir_fd"}
WRITING = ("O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_APPEND", "_NEW")

RUNTIME = "in the runtime folder, which is root's own, and so is every folder above it"
AS_SERVICE = "runs as the services' user"
PINNED = "the path is /proc/self/fd/N: a descriptor"
PRIMITIVE = "a primitive: its callers are in this list"
SAME_USER = "only where root is the services' user, too"
OPERATOR = "the operator names the file"

#: (module, function) -> why a path is right there.
ALLOWED = {
    ("boot/own_folders.py", "_make_folder"): "log and runtime folder: root's own; the home of one user alone",
    ("boot/own_folders.py", "_fill_home"): AS_SERVICE,
    ("boot/own_folders.py", "_set_aside"): AS_SERVICE + ", or as _make_folder",
    ("volumes/layout.py", "_make_folder"): AS_SERVICE,
    ("volumes/layout.py", "_link"): AS_SERVICE + "; the link /comfyui is in root's own folder",
    ("doctor/support_bundle.py", "__init__"): OPERATOR + ", and only a new one is made",
    ("doctor/support_bundle.py", "save"): OPERATOR + "; runs as the services' user",
    (
        "door/__main__.py",
        "prepare_folder",
    ): "the gateway's folder in the runtime folder is nginx's user's, not a service's",
    ("door/kept_secrets.py", "__init__"): SAME_USER,
    ("door/login.py", "prepare_login"): RUNTIME,
    ("door/login.py", "_prepare"): RUNTIME,
    ("models/sources/tokens.py", "keep_logins"): RUNTIME,
    ("runpod/files.py", "request_stop"): AS_SERVICE + " (the meter)",
    ("runpod/files.py", "call_off"): AS_SERVICE + " (the meter)",
    ("runpod/files.py", "write_facts"): RUNTIME,
    ("runpod/files.py", "note_stopped"): RUNTIME,
    ("ssh/__main__.py", "main"): RUNTIME,
    ("ssh/__main__.py", "make_empty_folder"): "mkdir follows no link, and /run is root's own",
    ("ssh/__main__.py", "give_name"): "/etc/passwd is root's, and so is its folder",
    ("ssh/keys.py", "_prepare"): RUNTIME,
    ("start_command/keep.py", "keep_start_command"): RUNTIME,
    ("supervision/child.py", "_raise_oom_score_adj"): "in /proc",
    ("supervision/install.py", "_open_socket"): RUNTIME,
    ("supervision/journal.py", "_write"): RUNTIME,
    ("supervision/kill_notes.py", "write_kill_note"): "runs as the services' user (the prober)",
    ("supervision/kill_notes.py", "note_trial"): "runs as the services' user (ComfyUI's launcher, the program nodes)",
    ("supervision/kill_notes.py", "_remove"): "unlink follows no link, and the folder cannot be replaced: " + RUNTIME,
    ("supervision/log_forwarder.py", "mark_log_starts"): RUNTIME,
    ("supervision/log_forwarder.py", "main"): AS_SERVICE,
    ("system/condition_store.py", "raise_condition"): "rename replaces links; the folder is " + RUNTIME,
    ("system/condition_store.py", "clear_condition"): "unlink follows no link; the folder is " + RUNTIME,
    ("system/console.py", "open_container_stdout"): "in /proc",
    ("system/files.py", "write_atomically"): PRIMITIVE,
    ("system/files.py", "write_json"): PRIMITIVE,
    ("system/kept_changes.py", "_makes"): AS_SERVICE,
    ("system/named_secrets.py", "keep_named"): RUNTIME,
    ("volumes/__main__.py", "_record"): RUNTIME,
    ("volumes/adopt_folders.py", "_link_to_link"): AS_SERVICE,
    ("volumes/merge_folders.py", "_do"): AS_SERVICE,
    ("volumes/merge_folders.py", "_remove_link"): AS_SERVICE,
    ("volumes/merge_folders.py", "_rename_without_replacing"): AS_SERVICE,
    ("volumes/open_top.py", "_apply"): PINNED,
    ("volumes/syscalls.py", "change_mode"): PINNED,
}


def path_based(source: str) -> Iterator[tuple[str, int, str]]:
    """(function, line, call) of every call that writes or changes by a path."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, int, str]]:
        for child in ast.iter_child_nodes(node):
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            if isinstance(child, ast.Call) and is_path_based(child):
                yield function, child.lineno, ast.unparse(child.func)
            yield from visit(child, inside)

    yield from visit(ast.parse(source), "")


def is_path_based(call: ast.Call) -> bool:
    if {keyword.arg for keyword in call.keywords} & BY_DESCRIPTOR or "devnull" in ast.unparse(call):
        return False
    match call.func:
        case ast.Attribute(value=ast.Name(id="os"), attr="open"):
            return any(word in ast.unparse(argument) for argument in call.args[1:] for word in WRITING) or (
                len(call.args) > 1 and isinstance(call.args[1], ast.Name) and call.args[1].id == "flags"
            )
        case ast.Attribute(value=ast.Name(id="os"), attr=name):
            return name in CHANGES
        case ast.Attribute(value=ast.Name(id="shutil"), attr=name):
            return name not in ("get_terminal_size", "which")
        case ast.Attribute(attr=name):
            return name in METHODS
        case ast.Name(id="open"):
            modes = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
            return any(set("wax+") & set(ast.unparse(mode)) for mode in modes)
        case ast.Name(id=name):
            return name in OURS
    return False


def modules() -> list[str]:
    top = ROOT / "entrypoint"
    return sorted({str(path.relative_to(top)) for pattern in ROOTS for path in top.glob(pattern)})


def found_in(module: str) -> set[tuple[str, str]]:
    """(module, function) of the module's calls by a path."""
    return {(module, function) for function, _, _ in path_based((ROOT / "entrypoint" / module).read_text())}


@pytest.mark.parametrize("module", modules())
def test_root_changes_nothing_by_a_path(module: str) -> None:
    left = found_in(module) - set(ALLOWED)
    assert not left, "go by a descriptor (system/folders.py), or say in ALLOWED why the path is safe"


def test_the_list_has_nothing_needless() -> None:
    """An entry whose call is gone would allow the next one unseen."""
    assert not set(ALLOWED) - set().union(*map(found_in, modules()))


@pytest.mark.parametrize(
    "line",
    [
        "os.chown(path, 1, 1)", "os.rename(a, b)", "os.makedirs(path)", "shutil.rmtree(path)", "open(path, 'w')",
        "open(path, mode='ab')", "os.open(path, os.O_CREAT | os.O_WRONLY)", "os.symlink(a, b)", "path.write_text('x')",
        "write_atomically(path, text)",
    ],
)  # fmt: skip
def test_a_call_by_a_path_is_found(line: str) -> None:
    """Negative control."""
    assert [each[0] for each in path_based(f"def f():\n    {line}\n")] == ["f"]


@pytest.mark.parametrize(
    "line", ["os.mkdir(name, dir_fd=folder)", "os.fchown(file, 1, 1)", "os.open(path, FOLDER)", "open(path, 'rb')"]
)
def test_a_call_by_a_descriptor_is_not(line: str) -> None:
    assert not list(path_based(line))
