"""P: the speed that a card of each model should have, and that of the link to it."""

from __future__ import annotations

from typing import NamedTuple


class Model(NamedTuple):
    """A model of GPU.

    Attributes:
        title: Its name, for people and for `model_of`.
        tflops: Dense bf16 with float32 sums, in 1e12 operations/s, from NVIDIA's datasheet or architecture whitepaper.
            Datasheets that give the number with sparsity are halved.
        slow: The share of it below which this card is slow. A healthy card reaches 0.6 to 1 of its datasheet in a
            product of 8192 x 8192; cards whose power limit is far below what the number needs reach less.
    """

    title: str
    tflops: float
    slow: float = 0.4


#: The first whose words are all in the driver's name counts. Sources: GeForce and RTX: NVIDIA's whitepapers of Ampere
#: GA102, Ada and RTX Blackwell (appendix, "Peak BF16 Tensor TFLOPS with FP32 Accumulate"); the others: the datasheets
#: of each product.
MODELS = (
    Model("RTX 5090 D", 148.4),
    Model("RTX 5090", 209.5),
    Model("RTX 5080", 112.6),
    Model("RTX 5070 Ti", 87.9),
    Model("RTX 4090 D", 147.1),
    Model("RTX 4090", 165.2),
    Model("RTX 4080 SUPER", 104.4),
    Model("RTX 4080", 97.5),
    Model("RTX 4070 Ti", 80.2),
    Model("RTX 3090 Ti", 80.0),
    Model("RTX 3090", 71.2),
    Model("RTX 3080 Ti", 68.2),
    Model("RTX 3080", 59.5),
    Model("RTX PRO 6000 Max Q", 438.9, 0.3),
    Model("RTX PRO 6000", 503.8),
    Model("RTX PRO 4500", 219.5, 0.3),
    Model("RTX 6000 Ada", 364.2),
    Model("RTX 5000 Ada", 261.1),
    Model("RTX 4000 Ada", 106.9, 0.3),
    Model("RTX 2000 Ada", 48.0, 0.3),
    Model("RTX A6000", 154.8),
    Model("RTX A5000", 111.1),
    Model("RTX A4500", 94.6),
    Model("RTX A4000", 76.7),
    Model("RTX A2000", 31.9, 0.3),
    Model("B300", 2250.0),
    Model("B200", 2250.0),
    Model("GB200", 2500.0),
    Model("GH200", 989.0),
    Model("H200 NVL", 835.5),
    Model("H200", 989.0),
    Model("H100 NVL", 835.5),
    Model("H100 PCIe", 756.0),
    Model("H100", 989.0),
    Model("A100", 312.0),
    Model("A40", 149.7),
    Model("A30", 165.0),
    Model("A10", 125.0, 0.3),
    Model("A10G", 125.0, 0.3),
    Model("L40S", 362.0),
    Model("L40", 181.0),
    Model("L4", 121.0, 0.25),
)
#: 1e9 bytes/s of one lane in one direction, after the line code (PCI-SIG's generations 1 to 6).
_LANE = {1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.56}
#: The share of a link's speed below which copies are slow, and 1e9 bytes/s that are never slow.
SLOW_LINK, FAST_COPY = 0.4, 20.0


def model_of(name: str) -> Model | None:
    """The model of the driver's name (`NVIDIA A100-SXM4-80GB`); None: not in the table, or a slice of a card."""
    words = set(name.replace("-", " ").split())
    if words & {"MIG", "GRID", "Laptop"}:
        return None
    return next((model for model in MODELS if words.issuperset(model.title.split())), None)


def link_speed(generation: int, width: int) -> float:
    """1e9 bytes/s that a PCIe link of this generation and number of lanes carries in one direction; 0: unknown."""
    return _LANE.get(generation, 0.0) * width


def slow_copies(measured: float, generation: int, width: int) -> bool:
    """Whether copies at `measured` (1e9 bytes/s) are slow on a card and slot whose link could have this size."""
    return 0 < measured < min(FAST_COPY, SLOW_LINK * link_speed(generation, width))
