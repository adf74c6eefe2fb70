"""P: a manifest's text with a file more or less: everything the user wrote stays, comments too.

Lines are added at the end or taken out; then the result is read like any manifest, and must say what it said before
and the one change. What can't be done that way is refused, not guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from entrypoint.models.catalogue.manifest import BadManifest, File, Manifest, parse

NEW = """# Models of your own, beside the built-in ones (extends_catalogue). The README's "Models" tells the format.
schema = 1
extends_catalogue = true
"""


def with_file(text: str, origin: str, bundle: str, keys: Mapping[str, str | int]) -> str:
    """`text` with one more `[[files]]`, and its bundle where there is none yet.

    Raises:
        BadManifest: The text can't be used, or not with this file.
    """
    before = parse(text, origin)
    lines = [text if text.endswith("\n") or not text else text + "\n"]
    if bundle not in {each.name for each in before.bundles}:
        lines.append(f'\n[bundles.{bundle}]\nabout = "Added by podkeeper models add"\n')
    table = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())
    lines.append(f"\n[[files]]\nbundle = {json.dumps(bundle)}\n{table}")
    changed = "".join(lines)
    _must_differ_by_one(before, parse(changed, origin), origin)
    return changed


def without_file(text: str, origin: str, file: File) -> str:
    """`text` without the `[[files]]` of `file`.

    Raises:
        BadManifest: The text can't be used, or can't be changed without touching more.
    """
    before, lines = parse(text, origin), text.splitlines(keepends=True)
    files = [each for bundle in before.bundles for each in bundle.files]
    if file not in files:
        return text
    for start in [number for number, line in enumerate(lines) if line.strip().startswith("[[files]]")]:
        end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("[")), len(lines))
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1  # a comment above the next table is that table's
        changed = "".join(lines[:start] + lines[end:])
        try:
            left = {each for bundle in parse(changed, origin).bundles for each in bundle.files}
        except BadManifest:
            continue
        if left == set(files) - {file}:
            return changed
    raise BadManifest(
        f"cannot take {file.dest} out of {origin}: it is written in a way of its own; take it out by hand"
    )


def _must_differ_by_one(before: Manifest, after: Manifest, origin: str) -> None:
    old, new = ({each for bundle in m.bundles for each in bundle.files} for m in (before, after))
    if not old < new or len(new) != len(old) + 1 or before.extends_catalogue != after.extends_catalogue:
        raise BadManifest(f"cannot add to {origin}: it is written in a way of its own; add the file by hand")
