"""P: adds a file to a manifest's text or removes one; the rest of the text stays as the user wrote it, comments too.

tomlkit writes what is added, at the end. A removal takes out the lines of one `[[files]]`: tomlkit (0.15) joins
`[[files]]` that other tables separate and gives the comment above a table to the table before it, so that a removal
by it would move the user's text. Every result is parsed again and must differ by exactly the one file.
"""

from __future__ import annotations

from collections.abc import Mapping

from entrypoint.models.catalogue.manifest import BadManifest, Manifest, parse
from entrypoint.models.sources.model_file import File

NEW = """# Models of your own, beside the built-in ones (extends_catalogue). docs/models.md describes the format.
schema = 1
extends_catalogue = true
"""


def with_file(text: str, origin: str, bundle: str, *many: Mapping[str, str]) -> str:
    """`text` with a `[[files]]` more for each of `many`, and their bundle where that is a new one.

    Raises BadManifest: the text can't be used, or not with these files.
    """
    import tomlkit  # for this command alone

    before, added = parse(text, origin), tomlkit.document()
    if bundle not in {each.name for each in before.bundles}:
        bundles = tomlkit.table(is_super_table=True)
        bundles.add(bundle, tomlkit.item({"about": "Added by podkeeper models add"}))
        added.add("bundles", bundles)
    files = tomlkit.aot()
    for keys in many:
        files.append(tomlkit.item({"bundle": bundle, **keys}))
    added.add("files", files)
    end = "" if text.endswith("\n") or not text else "\n"
    changed = f"{text}{end}\n{tomlkit.dumps(added)}"
    after = parse(changed, origin)
    old, new = files_of(before), files_of(after)
    if not old < new or len(new) != len(old) + len(many) or before.extends_catalogue != after.extends_catalogue:
        raise BadManifest(f"podkeeper cannot edit the layout of {origin} safely: add the file by hand")
    return changed


def without_file(text: str, origin: str, file: File) -> str:
    """`text` without the `[[files]]` of `file`.

    Raises BadManifest: the text can't be used, or not be changed without touching more.
    """
    before, lines = files_of(parse(text, origin)), text.splitlines(keepends=True)
    if file not in before:
        return text
    for start in [number for number, line in enumerate(lines) if line.strip().startswith("[[files]]")]:
        end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("[")), len(lines))
        while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
            end -= 1  # a comment above the next table is that table's
        changed = "".join(lines[:start] + lines[end:])
        try:
            after = files_of(parse(changed, origin))
        except BadManifest:
            continue
        if after == before - {file}:
            return changed
    raise BadManifest(f"podkeeper cannot edit the layout of {origin} safely: remove {file.dest} by hand")


def files_of(manifest: Manifest) -> set[File]:
    """All files of a manifest."""
    return {file for bundle in manifest.bundles for file in bundle.files}
