"""A wheel with nothing in it but a name, for an environment that only has to look complete."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_empty_wheel(folder: Path, name: str) -> None:
    """Write `name`-0.0.0: an importable package that does nothing (file format: PEP 427)."""
    info = f"{name}-0.0.0.dist-info"
    files = {
        f"{name}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-0.0.0-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)
