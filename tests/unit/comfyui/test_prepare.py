"""What a version of ComfyUI asks for."""

from __future__ import annotations

import pytest

from entrypoint.comfyui.versions.prepare import other_torch


@pytest.mark.parametrize(
    ("requirements", "found"),
    [
        ("torch\nnumpy>=1", ""),
        ("torch>=2.12\ntorchvision", "torch>=2.12"),
        ("  torch == 2.1 # why\ntorchaudio~=2.1; python_version>'3'", "torch == 2.1, torchaudio~=2.1"),
        ("torchsde>=1\ntorch-foo==1", ""),
    ],
)
def test_requirements_that_name_a_version_of_torch(requirements: str, found: str) -> None:
    assert other_torch(requirements) == found
