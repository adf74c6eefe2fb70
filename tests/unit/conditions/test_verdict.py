"""The HEALTHCHECK's verdict."""

import pytest

from entrypoint.conditions.verdict import verdict

BOTH = ["JupyterLab", "ComfyUI"]


@pytest.mark.parametrize(
    ("enabled", "down", "conditions", "answer"),
    [
        (BOTH, [], [], (0, "healthy")),
        (BOTH, ["ComfyUI"], [], (0, "degraded: ComfyUI does not answer")),
        (BOTH, [], ["VolumeFull"], (0, "degraded: VolumeFull")),
        (BOTH, ["JupyterLab"], ["VolumeFull"], (1, "unhealthy: JupyterLab does not answer, VolumeFull")),
        (BOTH, [], ["NoGpu"], (0, "healthy (NoGpu)")),
        (BOTH, ["ComfyUI"], ["NoGpu"], (0, "degraded: ComfyUI does not answer")),
        (BOTH, BOTH, [], (1, "unhealthy: JupyterLab does not answer, ComfyUI does not answer")),
        (["ComfyUI"], ["ComfyUI"], [], (1, "unhealthy: ComfyUI does not answer")),
        (["JupyterLab"], [], [], (0, "healthy")),
        ([], [], [], (0, "healthy")),
    ],
)
def test_jupyterlab_decides_and_comfyui_degrades(
    enabled: list[str], down: list[str], conditions: list[str], answer: tuple[int, str]
) -> None:
    assert verdict(enabled, down, conditions) == answer
