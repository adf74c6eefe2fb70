"""The table of docs/conditions.md, from the registry in entrypoint/conditions/registry.py.

usage: conditions_table.py            write the table into docs/conditions.md
       conditions_table.py --check    exit 1 when docs/conditions.md has another table
"""

import sys

from entrypoint.conditions.registry import REGISTRY, START
from scripts.settings_table import write_or_check


def table() -> str:
    """The table as Markdown."""
    lines = ["| Condition | Severity | Meaning | Cleared by |", "|---|---|---|---|"]
    for name, entry in REGISTRY.items():
        cleared = "the next start" if entry.cleared_by == START else f"`{entry.cleared_by}`"
        stays_down = f" `{entry.blocks}` stays stopped meanwhile." if entry.blocks else ""
        lines.append(f"| `{name}` | {entry.severity} | {entry.meaning}{stays_down} | {cleared} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(write_or_check("conditions", table(), sys.argv[1:]))
