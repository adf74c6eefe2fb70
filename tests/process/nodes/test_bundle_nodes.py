"""A bundle of models brings the pack of nodes that load its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.models.catalogue.builtin import catalogue
from entrypoint.models.catalogue.manifest import Bundle
from entrypoint.models.catalogue.wanted import WantedBundle
from entrypoint.models.node_packs import NodePacks
from entrypoint.nodes.inventory import folder_of
from entrypoint.settings.paths import Paths
from entrypoint.settings.settings import Settings
from entrypoint.system.condition_store import read_conditions

FLUX = Bundle(name="FLUX", nodes="flux")


def work(paths: Paths, *bundles: WantedBundle, settings: Settings | None = None) -> list[str]:
    """The names of the nodes afterwards."""
    os.makedirs(paths.runtime, exist_ok=True)
    NodePacks(settings or Settings(), paths, bundles).run()
    return sorted(os.listdir(folder_of(paths))) if os.path.isdir(folder_of(paths)) else []


def wanted(bundle: Bundle = FLUX, *, yes: bool = True) -> WantedBundle:
    return WantedBundle(bundle, yes, yes, "DOWNLOAD_FLUX")


def test_a_wanted_bundle_brings_its_nodes(paths: Paths, packs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert work(paths, wanted(), wanted(Bundle(name="CLIP"))) == ["Other"]
    assert "models: then: podkeeper restart comfyui" in capsys.readouterr().out
    assert not read_conditions(paths.runtime)


@pytest.mark.parametrize("settings", [Settings(), Settings(comfyui_enabled=False)])
def test_no_other_bundle_and_no_pod_without_comfyui_brings_nodes(paths: Paths, packs: Path, settings: Settings) -> None:
    assert work(paths, wanted(yes=not settings.comfyui_enabled), settings=settings) == []


def test_a_node_that_is_switched_off_stays_off(paths: Paths, packs: Path) -> None:
    off = Path(folder_of(paths)) / "Other.disabled"
    off.mkdir(parents=True)
    assert work(paths, wanted()) == ["Other.disabled"]


def test_nodes_that_cannot_be_had_are_a_condition_until_they_are(paths: Paths, packs: Path, tmp_path: Path) -> None:
    (tmp_path / "Other").rename(tmp_path / "Gone")
    assert work(paths, wanted()) == []
    (condition,) = read_conditions(paths.runtime)
    assert condition.name == "NodePackIncomplete"
    assert "the pack flux, which load the files of FLUX" in condition.reason
    (tmp_path / "Gone").rename(tmp_path / "Other")
    assert work(paths, wanted()) == ["Other"]
    assert not read_conditions(paths.runtime)


def test_the_catalogues_bundle_names_its_pack() -> None:
    assert [bundle.nodes for bundle in catalogue().bundles if bundle.nodes] == ["flux"]
