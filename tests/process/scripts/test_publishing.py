"""The workflow's scripts for an image that is pushed, with a `docker` that plays the registry and the scanner."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.checkout import ROOT

DIGEST = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
IMAGE = f"registry/pod@{DIGEST}"
GZIP = f"registry/pod@{DIGEST.replace('1', '3')}"
DOCKER = """#!/bin/bash
echo "$*" >>"$CALLS"
case "$*" in
    *" bake "*"=gzip"*) METADATA=${METADATA//1111/3333} ;;&
    *" bake "*) while [ $# -gt 0 ]; do [ "$1" != --metadata-file ] || echo "$METADATA" >"$2"; shift; done ;;
    *".SBOM.SPDX.packages"*) echo "$PACKAGES" ;;
    *".Image.RootFS.DiffIDs"*3333*) echo "${GZIP_LAYERS:-[1, 2]}" ;;
    *".Image.RootFS.DiffIDs"*) echo "[1, 2]" ;;
    *".Manifest.Digest"*) echo "\\"$TAGGED\\"" ;;
    "run "*) exit "$SCANNED" ;;
esac
"""


def script(folder: Path, *command: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """A script of .ci/, and docker's argument lists."""
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    calls = folder / "calls"
    settings = {"CALLS": str(calls), "SCANNED": "0", "PACKAGES": "300", "TAGGED": DIGEST, "METADATA": "{}"}
    path = {"PATH": f"{folder}:{os.environ['PATH']}"}
    arguments = [str(ROOT / ".ci" / command[0]), *command[1:]]
    ended = subprocess.run(arguments, env=os.environ | settings | path | environ, capture_output=True, text=True)
    return ended, calls.read_text().splitlines()


def test_a_build_prints_the_digest_that_it_pushed_without_a_tag(tmp_path: Path) -> None:
    metadata = f'{{\n  "cpu": {{\n    "containerimage.digest": "{DIGEST}",\n    "image.name": "registry/pod"\n  }}\n}}'
    ended, calls = script(tmp_path, "build", "cpu", "registry/pod", METADATA=metadata)
    assert (ended.returncode, ended.stdout) == (0, f"image={IMAGE}\ngzip={GZIP}\n"), ended.stderr
    assert "--no-cache --pull" in calls[0]
    assert "push-by-digest=true" in calls[0]
    assert "compression=zstd,force-compression=true" in calls[0]
    assert "push-by-digest=true" in calls[1]
    assert "compression=gzip,force-compression=true" in calls[1]
    assert "--no-cache" not in calls[1]
    assert "--provenance=mode=max --sbom=generator=docker/buildkit-syft-scanner:stable-1@sha256:" in calls[0]


def test_an_image_by_gzip_with_other_layers_is_an_error(tmp_path: Path) -> None:
    """Its steps were run again: what is tested is then not what gets the tags."""
    metadata = f'"containerimage.digest": "{DIGEST}"'
    ended, _ = script(tmp_path, "build", "cpu", "registry/pod", METADATA=metadata, GZIP_LAYERS="[1, 3]")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"build: {GZIP} has other layers than {IMAGE}" in ended.stderr


def test_there_is_one_copy_of_the_layers(tmp_path: Path) -> None:
    """The builder goes before the engine pulls the image; a build for the engine is the engine's own."""
    _, calls = script(tmp_path, "build", "cpu", "registry/pod", METADATA=f'"containerimage.digest": "{DIGEST}"')
    assert "--builder podkeeper " in calls[0]
    assert "--builder podkeeper " in calls[1]
    assert calls[2] == "buildx rm --force podkeeper"
    assert not [call for call in calls[3:] if not call.startswith("buildx imagetools inspect ")]
    (tmp_path / "calls").unlink()
    ended, calls = script(tmp_path, "build", "cpu", CI="true")
    assert ended.returncode == 0, ended.stderr
    assert "--builder default --load --set *.tags=podkeeper:cpu" in calls[0]
    assert calls[1:] == ["buildx prune --builder default --force --filter type=exec.cachemount"]
    (tmp_path / "calls").unlink()
    assert len(script(tmp_path, "build", "cpu", CI="")[1]) == 1


def test_a_build_shows_the_free_disk_before_and_after(tmp_path: Path) -> None:
    for repository, code in ((["registry/pod"], 1), ([], 0)):
        ended, _ = script(tmp_path, "build", "cpu", *repository)
        assert (ended.returncode, ended.stderr.count("Filesystem")) == (code, 2)


def test_a_build_without_a_digest_fails(tmp_path: Path) -> None:
    ended, _ = script(tmp_path, "build", "cpu", "registry/pod")
    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_scan_ends_as_the_scanner_does(tmp_path: Path) -> None:
    good, calls = script(tmp_path, "scan", IMAGE)
    assert good.returncode == 0, good.stderr
    assert calls[-1].startswith("run --rm --interactive anchore/grype:")
    assert calls[-1].endswith(" --only-fixed --fail-on high")
    assert script(tmp_path, "scan", IMAGE, SCANNED="2")[0].returncode == 2
    assert script(tmp_path, "scan", IMAGE, SEVERITY="critical")[1][-1].endswith(" --fail-on critical")


def test_an_sbom_without_packages_is_no_clean_bill(tmp_path: Path) -> None:
    for packages in ("3", "", "<nil>"):
        ended, calls = script(tmp_path, "scan", IMAGE, PACKAGES=packages)
        assert ended.returncode == 1, packages
        assert not [call for call in calls if call.startswith("run ")]


def test_a_tag_that_names_another_digest_is_an_error(tmp_path: Path) -> None:
    good, calls = script(tmp_path, "tag", IMAGE, "registry/pod:1", "registry/pod:latest")
    assert good.returncode == 0, good.stderr
    assert [call for call in calls if " create " in call] == [
        f"buildx imagetools create --tag registry/pod:{tag} {IMAGE}" for tag in ("1", "latest")
    ]
    bad, _ = script(tmp_path, "tag", IMAGE, "registry/pod:1", TAGGED=OTHER)
    assert bad.returncode == 1
    assert f'"{OTHER}", not {DIGEST}' in bad.stderr
