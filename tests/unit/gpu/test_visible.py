"""Whether the environment hides the GPU."""

import pytest

from entrypoint.gpu.visible import shows_a_gpu


@pytest.mark.parametrize(
    ("visible", "count", "shown"),
    [
        (None, 1, True), ("0", 1, True), ("1,0", 2, True), ("GPU-8932f937", 1, True), ("MIG-0f", 1, True),
        ("3", 0, True),
        ("", 1, False), (" ", 1, False), ("-1", 1, False), ("-1,0", 2, False), ("NoDevFiles", 1, False),
        ("none", 1, False), ("void", 1, False), ("7", 1, False), ("9" * 5000, 1, False),
    ],
)  # fmt: skip
def test_a_hidden_gpu_is_no_gpu(visible: str | None, count: int, shown: bool) -> None:
    assert shows_a_gpu(visible, count) is shown
