"""The last steps of scripts/venv, run with the new environment's own Python."""

import pathlib
import shlex
import sys
import sysconfig

SITE = pathlib.Path(sysconfig.get_path("purelib"))
#: Bytes of a script's first line that the kernel reads (BINPRM_BUF_SIZE); it splits the rest at the first space only.
LONGEST_FIRST_LINE = 127
BIN = pathlib.Path(sys.executable).parent


def put_checkout_on_path(checkout: str) -> None:
    """Put the checkout on the path by a .pth file: every kernel, terminal and ComfyUI would inherit PYTHONPATH."""
    (SITE / "podkeeper.pth").write_text(checkout + "\n")


def install_command() -> None:
    """Write the launcher `podkeeper` into the environment's bin folder."""
    script = BIN / "podkeeper"
    first = f"#!{sys.executable} -P\n"
    if " " in sys.executable or len(first) > LONGEST_FIRST_LINE:
        # To sh the second line is a command, to Python the first of a text: pip's own launchers do the same.
        first = f"#!/bin/sh\n'''exec' {shlex.quote(sys.executable)} -P \"$0\" \"$@\"\n' '''\n"
    script.write_text(first + "import sys\nfrom entrypoint.cli import main\nsys.exit(main(sys.argv[1:]))\n")
    script.chmod(0o755)


def spell_terminals_as_users_do() -> None:
    """`pip list | grep jupyter-server-terminals` must find it.

    The package calls itself jupyter_server_terminals, and pip prints that since 22; both spellings are
    the same name (PEP 503), so spelling it with dashes changes nothing but what pip prints.
    """
    for metadata in SITE.glob("jupyter_server_terminals-*.dist-info/METADATA"):
        text = metadata.read_text(encoding="utf-8")
        metadata.write_text(
            text.replace("\nName: jupyter_server_terminals\n", "\nName: jupyter-server-terminals\n", 1),
            encoding="utf-8",
        )


put_checkout_on_path(sys.argv[1])
install_command()
spell_terminals_as_users_do()
