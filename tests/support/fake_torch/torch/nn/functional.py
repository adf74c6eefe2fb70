"""PyTorch's attention: the result is v, as for one key."""

from typing import Any

from torch import MODE, Tensor, spend


def scaled_dot_product_attention(q: Tensor, k: Tensor, v: Tensor, **_: Any) -> Tensor:
    spend(MODE["sdpa_ms"])
    return v * MODE["sdpa_factor"]
