"""Deletes old images of ghcr.io that no release or branch needs.

usage: clean_images.py [--delete] OWNER/NAME      lists them; with --delete, deletes them

Kept: what has a tag other than a commit's, everything of the last 90 days, and what belongs to a kept image: its
manifests and attestations (listed in its index), and its signatures (tagged with its digest). Needs `gh`, and `docker`
that may read the images. An image whose index cannot be read ends the run before anything is deleted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: A pod may be pinned to a digest that a rebuild has taken the tags from (docs/image.md).
DAYS = 90
#: The tag of docker/metadata-action's `type=sha`, with a variant's suffix and the one of gzip.
COMMIT = re.compile(r"sha-[0-9a-f]{7,40}(-[a-z0-9]+){0,2}")
#: cosign's tag for what it knows of a digest.
SIGNATURE = re.compile(r"sha256-([0-9a-f]{64})(\.\w+)?")


@dataclass(frozen=True)
class Version:
    """A version of the package: a manifest or an index.

    Attributes:
        number: GitHub's id of it.
        digest: `sha256:...`.
        tags: Its tags.
        updated: When it was pushed or its tags last changed.
    """

    number: int
    digest: str
    tags: tuple[str, ...]
    updated: datetime


def unneeded(versions: Iterable[Version], now: datetime, children: Callable[[str], Iterable[str]]) -> list[Version]:
    """The versions to delete; `children` returns the digests that an index lists."""
    by_digest = {version.digest: version for version in versions}
    signatures: dict[str, list[str]] = {}
    for version in by_digest.values():
        for tag in version.tags:
            if match := SIGNATURE.fullmatch(tag):
                signatures.setdefault(f"sha256:{match[1]}", []).append(version.digest)
    waiting = [version.digest for version in by_digest.values() if _is_kept(version, now)]
    kept: set[str] = set()
    while waiting:
        digest = waiting.pop()
        if digest in by_digest and digest not in kept:
            kept.add(digest)
            waiting += [*children(digest), *signatures.get(digest, ())]
    return [version for version in by_digest.values() if version.digest not in kept]


def _is_kept(version: Version, now: datetime) -> bool:
    named = [tag for tag in version.tags if not COMMIT.fullmatch(tag) and not SIGNATURE.fullmatch(tag)]
    return bool(named) or now - version.updated < timedelta(days=DAYS)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def versions_at(address: str) -> list[Version]:
    """Every version of the package, from GitHub's API."""
    pages = json.loads(run("gh", "api", "--paginate", "--slurp", f"{address}/versions?per_page=100"))
    return [
        Version(
            each["id"], each["name"], tuple(each["metadata"]["container"]["tags"]),
            datetime.fromisoformat(each["updated_at"]),
        )
        for page in pages for each in page
    ]  # fmt: skip


def children_in(image: str) -> Callable[[str], list[str]]:
    """A function that returns the digests that an index of the image lists; none for a manifest."""

    def children(digest: str) -> list[str]:
        listed = json.loads(run("docker", "buildx", "imagetools", "inspect", "--raw", f"{image}@{digest}"))
        return [each["digest"] for each in listed.get("manifests", [])]

    return children


def main(arguments: list[str]) -> int:
    delete = "--delete" in arguments
    names = [each for each in arguments if each != "--delete"]
    if len(names) != 1 or not re.fullmatch(r"[a-z0-9_.-]+/[a-z0-9_.-]+", names[0]):
        print(__doc__, file=sys.stderr)
        return 2
    owner, name = names[0].split("/")
    kind = "orgs" if run("gh", "api", f"users/{owner}", "--jq", ".type").strip() == "Organization" else "users"
    address = f"{kind}/{owner}/packages/container/{name}"
    versions = versions_at(address)
    old = unneeded(versions, datetime.now(UTC), children_in(f"ghcr.io/{names[0]}"))
    for version in old:
        print(version.digest, f"{version.updated:%Y-%m-%d}", *version.tags)
        if delete:
            run("gh", "api", "--method", "DELETE", f"{address}/versions/{version.number}")
    print(f"{len(old)} of {len(versions)} {'deleted' if delete else 'could be deleted'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
