"""The image facts of docs/image.md, measured by a real build of the image.

usage: image_facts.py [docker build OPTIONS]     build the image cold, then again; write the facts into docs/image.md
       image_facts.py --check                    exit 1 when the facts in docs/image.md do not fit this Dockerfile

A cold build uses no layer and no download of an earlier build. BASE_IMAGE names the base image. With
`--build-arg COMFYUI=off` the facts cover Podkeeper's own layers and the base image.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/image.md"
BEGIN, END = "<!-- image facts: written by scripts/image_facts.py -->", "<!-- end of image facts -->"
TAG = "podkeeper:facts"
#: MB that everything but the base, torch and ComfyUI may have.
LIMIT = 400
COMFYUI = "ComfyUI"
#: What is in a layer's command, what the layer is, and whether it is ours; in the Dockerfile's order.
LAYERS = (
    ("libgl1", "What custom nodes need: compiler, ffmpeg, libGL", False),
    ("apt-get install", "System packages: Python, git, nginx ...", True),
    ("/opt/locks/cuda-1.txt", "CUDA 12.8: cuBLAS and cuDNN", False),
    ("/opt/locks/cuda-2.txt", "CUDA 12.8: the other libraries", False),
    ("/opt/locks/torch.txt", "torch and Triton", False),
    ("/opt/locks/packages.txt", "Other Python packages of ComfyUI's", False),
    ("/opt/locks/comfyui.txt", "ComfyUI's frontend, templates and kernels", False),
    ("COPY / /opt/comfyui", COMFYUI, False),
    ("compileall -q /opt/comfyui", "ComfyUI, compiled", False),
    ("COPY /environment", "JupyterLab's and supervisord's environment", True),
    ("COPY /app", "The entrypoint", True),
)
OTHER = "All else"


def rows(history: list[tuple[str, int]], base: int) -> list[tuple[str, int, bool]]:
    """(what, bytes, ours) of each row of the table.

    `history`: (command, bytes) of each layer, oldest first; `base`: how many of them are the base image's.
    """
    sizes = dict.fromkeys([what for _, what, _ in LAYERS] + [OTHER], 0)
    for command, size in history[base:]:
        what = next((what for words, what, _ in LAYERS if words in command), OTHER)
        sizes[what] += size
    ours = {what: is_ours for _, what, is_ours in LAYERS} | {OTHER: True}
    below = [("The base image", sum(size for _, size in history[:base]), False)]
    return below + [(what, size, ours[what]) for what, size in sizes.items() if size or ours[what]]


def block(table: list[tuple[str, int, bool]], layers: int, base: str, cold: float, cached: float, cores: int) -> str:
    """The facts as Markdown; times in seconds."""
    lines = ["| Layer | MB | Ours |", "|---|---:|---|"]
    lines += [f"| {what} | {megabytes(size)} | {'yes' if ours else ''} |" for what, size, ours in table]
    ours = sum(size for _, size, is_ours in table if is_ours)
    total = sum(size for _, size, _ in table)
    whole = "" if COMFYUI in [what for what, _, _ in table] else ", without ComfyUI and torch"
    lines += [
        f"| **Together** | **{megabytes(total)}** | **{megabytes(ours)}** (at most {LIMIT}) |",
        "",
        f"{layers} layers with something in them, on `{base}`{whole}. Built in {cold:.0f} s cold "
        f"and {cached:.1f} s cached, on {cores} cores.",
    ]
    return "\n".join(lines)


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}" if size < 1e7 else f"{size / 1e6:.0f}"


def problems(text: str, dockerfile: str) -> list[str]:
    """Problems with the facts in the page `text`, as far as they show without a build; one line each."""
    found = re.search(f"{BEGIN}\n(.*?)\n{END}", text, re.DOTALL)
    if not found:
        return ["it has no block of image facts"]
    facts = found.group(1)
    told = re.findall(r"(?m)^\| ([^*|]+) \| ([\d.]+) \| (yes|) \|$", facts)
    whole = "without ComfyUI" not in facts
    expected = ["The base image", *(what for _, what, ours in LAYERS if ours or whole), OTHER]
    wrong = []
    if [what for what, _, _ in told] != expected:
        wrong.append("its rows are not the ones scripts/image_facts.py writes")
    ours = sum(float(size) for _, size, is_ours in told if is_ours)
    together = re.search(r"\*\*Together\*\* \| \*\*([\d.]+)\*\* \| \*\*([\d.]+)\*\*", facts)
    if not together or abs(float(together.group(2)) - ours) > 2:
        wrong.append("the sum of what is ours is not the sum of its rows")
    if ours > LIMIT:
        wrong.append(f"what is ours has {ours:.0f} MB, more than {LIMIT}")
    if not re.search(r"(?m)^\d+ layers .* Built in \d+ s cold and \d+\.\d s cached, on \d+ cores\.$", facts):
        wrong.append("the sentence about layers and times is not the one scripts/image_facts.py writes")
    missing = [words for words, _, _ in LAYERS if words.removeprefix("COPY ").removeprefix("/ ") not in dockerfile]
    return wrong + [f"the Dockerfile has no step with {words!r} any more" for words in missing]


def history(image: str) -> list[tuple[str, int]]:
    """(command, bytes) of each layer that has something in it, oldest first."""
    command = ["docker", "history", "--no-trunc", "--human=false", "--format", "{{json .}}", image]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    layers = [json.loads(line) for line in reversed(output.splitlines())]
    return [(layer["CreatedBy"], int(layer["Size"])) for layer in layers if int(layer["Size"])]


def build(base: str, *options: str) -> float:
    """Seconds it takes."""
    started = time.monotonic()
    command = ["docker", "build", "--quiet", "--tag", TAG, "--build-arg", f"BASE_IMAGE={base}", *options]
    subprocess.run([*command, str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def measure(options: list[str]) -> str:
    """Build it, twice, and make the block."""
    base = os.environ.get("BASE_IMAGE", "localhost/base:bookworm")
    prune = ["docker", "builder", "prune", "--force", "--filter", "type=exec.cachemount"]
    subprocess.run(prune, check=True, stdout=subprocess.DEVNULL)
    cold, cached = build(base, "--no-cache", *options), build(base, *options)
    layers = history(TAG)
    return block(rows(layers, len(history(base))), len(layers), base, cold, cached, len(os.sched_getaffinity(0)))


def main(arguments: list[str]) -> int:
    """Compare or write."""
    text = PAGE.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        wrong = problems(text, (ROOT / "Dockerfile").read_text(encoding="utf-8"))
        for problem in wrong:
            print(f"docs/image.md: {problem}; run scripts/image_facts.py")
        return 1 if wrong else 0
    facts = measure(arguments)
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{facts}\n{END}", text, flags=re.DOTALL))
    print(facts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
