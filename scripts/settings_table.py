"""The settings table of docs/settings.md, from the lines of entrypoint/settings/settings.py.

usage: settings_table.py            write the table into docs/settings.md
       settings_table.py --check    exit 1 when docs/settings.md has another table
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from entrypoint.settings.settings import Settings
from entrypoint.settings.unattended import UnattendedSettings

DOCS = Path(__file__).parent.parent / "docs"


def table() -> str:
    """The table as Markdown."""
    lines = ["| Variable | Default | What it does |", "|---|---|---|"]
    last = {each.name for each in fields(UnattendedSettings)}  # the base class's, which `fields` has first
    for each in sorted(fields(Settings), key=lambda each: each.name in last):
        lines.append(f"| `{each.metadata['variable']}` | {shown(each.default)} | {each.metadata['text']} |")
    return "\n".join(lines)


def shown(default: object) -> str:
    """A default as a user would write it."""
    if default in ("", ()):
        return "unset"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def write_or_check(name: str, table: str, arguments: Sequence[str]) -> int:
    """Exit code after writing `table` between the markers of docs/<name>.md; with --check, after comparing."""
    page, script = DOCS / f"{name}.md", f"scripts/{name}_table.py"
    begin, end = f"<!-- {name}: written by {script} -->", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    wanted = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{table}\n{end}", text, flags=re.DOTALL)
    if begin not in text or end not in text:
        print(f"docs/{page.name}: the markers of {script} are missing")
        return 1
    if "--check" not in arguments:
        page.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print(f"docs/{page.name}: the table is out of date; run .venv/bin/python {script}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(write_or_check("settings", table(), sys.argv[1:]))
