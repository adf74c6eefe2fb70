"""The table of cards."""

import pytest

from entrypoint.gpu.cards import MODELS, link_speed, model_of, slow_copies


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("NVIDIA GeForce RTX 4090", "RTX 4090"), ("NVIDIA GeForce RTX 4090 D", "RTX 4090 D"),
        ("NVIDIA GeForce RTX 5090", "RTX 5090"), ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("NVIDIA GeForce RTX 3090 Ti", "RTX 3090 Ti"), ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"), ("NVIDIA H100 NVL", "H100 NVL"), ("NVIDIA H200", "H200"),
        ("NVIDIA H200 NVL", "H200 NVL"), ("NVIDIA B200", "B200"), ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA A100 80GB PCIe", "A100"), ("NVIDIA A40", "A40"), ("NVIDIA L40S", "L40S"), ("NVIDIA L40", "L40"),
        ("NVIDIA L4", "L4"), ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"), ("NVIDIA RTX A6000", "RTX A6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX PRO 6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX PRO 6000 Max Q"),
        ("NVIDIA RTX 4000 SFF Ada Generation", "RTX 4000 Ada"), ("NVIDIA A10G", "A10G"),
        ("NVIDIA RTX A4000", "RTX A4000"),
    ],
)  # fmt: skip
def test_a_driver_s_name_is_its_model(name: str, title: str) -> None:
    found = model_of(name)
    assert found is not None
    assert found.title == title


@pytest.mark.parametrize(
    "name",
    ["", "Tesla T4", "NVIDIA A100-SXM4-80GB MIG 1g.10gb", "GRID A100-10C", "NVIDIA GeForce RTX 4090 Laptop GPU"],
)
def test_what_is_not_in_the_table_has_no_model(name: str) -> None:
    assert model_of(name) is None


def test_every_row_can_be_reached() -> None:
    assert [model_of(model.title) for model in MODELS] == list(MODELS)
    assert all(0 < model.slow < 0.5 for model in MODELS)


def test_a_links_speed() -> None:
    assert link_speed(4, 16) == pytest.approx(31.5, abs=0.1)
    assert link_speed(0, 16) == link_speed(9, 16) == 0


@pytest.mark.parametrize(
    ("measured", "generation", "width", "slow"),
    [
        (26, 4, 16, False), (13, 4, 16, False), (12, 4, 16, True), (6, 3, 16, True), (12, 3, 16, False),
        (21, 5, 16, False),  # fast enough for any use, though a third of what this link could do
        (19, 5, 16, True), (0, 4, 16, False), (1, 0, 0, False),
    ],
)  # fmt: skip
def test_copies_are_compared_with_what_card_and_slot_can_do(
    measured: float, generation: int, width: int, slow: bool
) -> None:
    assert slow_copies(measured, generation, width) is slow
