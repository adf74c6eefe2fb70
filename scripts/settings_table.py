"""The settings table of docs/settings.md, from the lines of entrypoint/settings/settings.py.

usage: settings_table.py            write the table into docs/settings.md
       settings_table.py --check    exit 1 when docs/settings.md has another table
"""

import pathlib
import re
import sys
from dataclasses import fields

from entrypoint.settings.settings import Settings

PAGE = pathlib.Path(__file__).parent.parent / "docs/settings.md"
BEGIN, END = "<!-- settings: written by scripts/settings_table.py -->", "<!-- end of settings -->"


def table() -> str:
    """The table as Markdown."""
    lines = ["| Variable | Default | What it does |", "|---|---|---|"]
    for each in fields(Settings):
        lines.append(f"| `{each.metadata['variable']}` | {shown(each.default)} | {each.metadata['text']} |")
    return "\n".join(lines)


def shown(default: object) -> str:
    """A default as a user would write it."""
    if default in ("", ()):
        return "unset"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def main() -> int:
    """Compare or write."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.DOTALL)
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print("docs/settings.md: the settings table is out of date; run .venv/bin/python scripts/settings_table.py")
        return 1
    return 0


sys.exit(main())
