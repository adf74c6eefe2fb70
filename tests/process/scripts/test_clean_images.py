"""scripts/clean_images.py deletes what no release, branch or pinned digest needs, with stand-ins for gh and docker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.clean_images import DAYS, Version, unneeded
from tests.support.checkout import ROOT

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GH = """#!/bin/bash
echo "$*" >>"$CALLS"
case "$*" in
    *" --jq .type") echo "$KIND" ;;
    *"/versions?per_page=100") echo "$VERSIONS" ;;
esac
"""
DOCKER = """#!/bin/bash
[ -z "$UNREADABLE" ] || { echo "denied" >&2; exit 1; }
case "$*" in *1111) echo "{\\"manifests\\": [{\\"digest\\": \\"$CHILD\\"}]}" ;; *) echo '{"layers": []}' ;; esac
"""


def digest(number: int) -> str:
    return "sha256:" + str(number) * 64


def version(number: int, *tags: str, days: int = DAYS + 1) -> Version:
    return Version(number, digest(number), tags, NOW - timedelta(days=days))


def deleted(*versions: Version, lists: Mapping[int, int] | None = None) -> list[int]:
    """The numbers of the versions that are deleted; `lists`: index -> manifest in it."""
    listed = {digest(index): [digest(manifest)] for index, manifest in (lists or {}).items()}
    return [each.number for each in unneeded(versions, NOW, lambda of: listed.get(of, []))]


@pytest.mark.parametrize(
    "tag", ["1.2.3", "1.2", "latest", "latest-full", "1.2.3-cu130", "main", "main-thin", "1-cu130-gzip"]
)
def test_a_release_or_branch_is_kept_for_ever(tag: str) -> None:
    assert deleted(version(1, "sha-0123abc", tag, days=4000)) == []


@pytest.mark.parametrize(
    "tags", [(), ("sha-0123abc",), ("sha-0123abc-full", "sha-0123abc-cu130"), ("sha-0123abc-cu130-gzip",)]
)
def test_an_old_image_without_a_tag_or_with_a_commits_is_deleted(tags: tuple[str, ...]) -> None:
    assert deleted(version(1, *tags)) == [1]
    assert deleted(version(1, *tags, days=DAYS - 1)) == []


def test_users_can_rely_on_the_days() -> None:
    assert f"deleted {DAYS} days after" in (ROOT / "docs/image.md").read_text()


def test_the_manifests_of_a_kept_index_are_kept_and_the_others_are_not() -> None:
    versions = [version(1, "latest"), version(2), version(3), version(4)]
    assert deleted(*versions, lists={1: 2, 4: 3}) == [3, 4]


def test_a_signature_is_kept_as_long_as_its_image() -> None:
    old, new = [version(number, f"sha256-{str(of) * 64}") for number, of in ((4, 2), (3, 1))]
    versions = [version(1, "1.2.3"), version(2), new, old, version(5), version(6, f"sha256-{'2' * 64}.sig")]
    assert deleted(*versions, lists={3: 5}) == [2, 4, 6]


def clean(folder: Path, *arguments: str, **environ: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The script's end, and the calls of `gh`."""
    for name, text in (("gh", GH), ("docker", DOCKER)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    old = "2020-01-01T00:00:00Z"
    versions = [
        {"id": number, "name": digest(number), "updated_at": old, "metadata": {"container": {"tags": tags}}}
        for number, tags in ((1, ["latest"]), (2, []), (3, []))
    ]
    settings = {
        "CALLS": str(folder / "calls"), "KIND": "User", "CHILD": digest(2), "UNREADABLE": "",
        "VERSIONS": json.dumps([versions[:2], versions[2:]]), "PATH": f"{folder}:{os.environ['PATH']}",
    }  # fmt: skip
    command = [sys.executable, str(ROOT / "scripts/clean_images.py"), *arguments]
    ended = subprocess.run(command, env=os.environ | settings | environ, capture_output=True, text=True, timeout=60)
    calls = folder / "calls"
    return ended, calls.read_text().splitlines() if calls.exists() else []


def test_only_the_unneeded_version_is_deleted(tmp_path: Path) -> None:
    ended, calls = clean(tmp_path, "--delete", "owner/pod")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "1 of 3 deleted"), ended.stderr
    assert [call for call in calls if "DELETE" in call] == [
        "api --method DELETE users/owner/packages/container/pod/versions/3"
    ]


def test_nothing_is_deleted_without_the_option(tmp_path: Path) -> None:
    ended, calls = clean(tmp_path, "owner/pod", KIND="Organization")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "1 of 3 could be deleted"), ended.stderr
    assert not [call for call in calls if "DELETE" in call]
    assert calls[-1].endswith(" orgs/owner/packages/container/pod/versions?per_page=100")


def test_nothing_is_deleted_where_an_index_cannot_be_read(tmp_path: Path) -> None:
    ended, calls = clean(tmp_path, "--delete", "owner/pod", UNREADABLE="1")
    assert ended.returncode == 1
    assert not [call for call in calls if "DELETE" in call]


def test_a_name_with_capitals_is_refused(tmp_path: Path) -> None:
    assert clean(tmp_path, "--delete", "Owner/Pod")[0].returncode == 2
