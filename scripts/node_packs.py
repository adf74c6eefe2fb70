"""The packs of custom nodes (`podkeeper nodes install wan|flux|all`): their pins and their packages.

usage: node_packs.py lock [PACK ...]     compile each pack's packages from the requirements.txt of its pinned commits
       node_packs.py newer [PACK ...]    move the pins to each repository's newest commit, then do the same

Needs git, `uv` and the network. `tests/container/test_real_full.py` proves the result: ComfyUI loads every node.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from entrypoint.nodes.lock import NodesLock, read_lock, text_of

ROOT = Path(__file__).parent.parent
PACKS = ROOT / "entrypoint/nodes/packs"
OVERRIDES = ROOT / "image/node_packs_overrides.txt"
#: What the packages of every pack have to fit: the image's own.
IMAGE = ROOT / "image/comfyui.lock"
#: In place of the opencv packages that OVERRIDES leaves out.
ALWAYS = ("opencv-contrib-python-headless",)


def git(*words: str, check: bool = True) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=check).stdout.strip()


def requirements(lock: NodesLock, folder: Path) -> list[str]:
    """The lines of every node's requirements.txt at its commit."""
    lines = list(ALWAYS)
    for node in lock.nodes:
        clone = folder / node.name
        if not clone.exists():
            git("clone", "--quiet", "--filter=blob:none", "--no-checkout", node.repository, str(clone))
        git("-C", str(clone), "cat-file", "-e", f"{node.commit}^{{commit}}")
        text = git("-C", str(clone), "show", f"{node.commit}:requirements.txt", check=False)
        lines += [line.split("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


def image_pins() -> list[str]:
    """The image's packages, with the markers of those that have several versions."""
    return re.findall(r"(?m)^([A-Za-z0-9_.-]+==.*?) *\\\\?$", IMAGE.read_text())


def compile_packages(lines: list[str], constraints: list[Path], output: Path) -> None:
    """The packages beside the image's, by hash."""
    command = ["uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    command += ["--no-emit-index-url", "--no-annotate", "--no-header", "--override", str(OVERRIDES)]
    for each in constraints:
        command += ["--constraint", str(each)]
    for pin in image_pins():
        command += ["--no-emit-package", pin.partition("==")[0]]
    source = output.with_suffix(".in")
    source.write_text("\n".join(lines) + "\n")
    subprocess.run([*command, str(source), "-o", str(output)], check=True)


def newest(lock: NodesLock) -> NodesLock:
    """The lock with each repository's newest commit."""
    nodes = []
    for node in lock.nodes:
        commit = git("ls-remote", node.repository, "HEAD").partition("\t")[0]
        if commit != node.commit:
            print(f"{node.name}: {node.commit[:10]} -> {commit[:10]}")
        nodes.append(replace(node, commit=commit))
    return replace(lock, nodes=tuple(nodes))


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in ("lock", "newer"):
        print(__doc__)
        return 2
    names = arguments[1:] or sorted(path.stem for path in PACKS.glob("*.lock"))
    locks = {name: read_lock((PACKS / f"{name}.lock").read_text()) for name in names}
    if arguments[0] == "newer":
        locks = {name: newest(lock) for name, lock in locks.items()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "image.txt").write_text("\n".join(image_pins()) + "\n")
        lines = {name: requirements(lock, folder / "clones") for name, lock in locks.items()}
        together = sorted({line for each in lines.values() for line in each})
        compile_packages(together, [folder / "image.txt"], folder / "all.txt")
        for name, lock in locks.items():
            compile_packages(lines[name], [folder / "image.txt", folder / "all.txt"], folder / f"{name}.txt")
            (PACKS / f"{name}.txt").write_text((folder / f"{name}.txt").read_text())
            (PACKS / f"{name}.lock").write_text(text_of(lock))
            print(f"{name}: {len(lock.nodes)} nodes, {(folder / f'{name}.txt').read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
