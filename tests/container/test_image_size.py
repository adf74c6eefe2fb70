"""The image facts of docs/image.md against the image that was just built."""

from __future__ import annotations

import re

from scripts import image_facts
from tests.container.conftest import BASE


def test_our_layers_have_the_documented_size_and_stay_below_the_limit(image: str) -> None:
    """The image without ComfyUI is what is ours, and the base."""
    base = len(image_facts.history(BASE))
    rows = image_facts.rows(image_facts.history(image), base)
    text = image_facts.PAGE.read_text()
    measured_here = f"on `{BASE}`" in text  # another base brings some of what is ours elsewhere
    for what, size, ours in rows:
        told = re.search(rf"(?m)^\| {re.escape(what)} \| ([\d.]+) \| yes \|$", text)
        if ours and measured_here:
            assert told, what
            assert abs(float(told.group(1)) - size / 1e6) < 5 + 0.1 * size / 1e6, (what, size, told.group(1))
    assert sum(size for _, size, ours in rows if ours) / 1e6 <= image_facts.LIMIT
