"""The plan: exit codes, sums, and what a GPU wants."""

from __future__ import annotations

import json

import pytest

from entrypoint.models.sources.model_file import File
from entrypoint.workflows.needed import Model, Pack
from entrypoint.workflows.plan import (
    INSTALLED,
    MISSING,
    NO_ADDRESS,
    REFUSED,
    UNKNOWN,
    ModelState,
    PackState,
    Plan,
    Room,
    one_file_each,
)
from entrypoint.workflows.show import as_json, lines, shown_address

GB = 10**9


def model(state: str, name: str = "m.pt", size: int = 0, directory: str = "vae") -> ModelState:
    file = File(bundle="W", source="url", dest=f"{directory}/{name}", keys={"url": "https://h/m"})
    return ModelState(Model(name, directory, "https://h/m"), state, file, size=size)


def plan(*states: str, packs: tuple[str, ...] = (), free: int = 100 * GB, speed: int = 0) -> Plan:
    return Plan(
        [model(state, size=10 * GB) for state in states], [PackState(Pack("x"), state) for state in packs],
        Room(free, speed, 24 * GB),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("states", "packs", "code"),
    [
        ((), (), 0),
        ((INSTALLED,), (INSTALLED,), 0),
        ((INSTALLED, MISSING), (INSTALLED,), 1),
        ((INSTALLED,), (MISSING,), 1),
        ((MISSING, NO_ADDRESS), (), 2),
        ((REFUSED,), (), 2),
        ((MISSING,), (NO_ADDRESS,), 2),
        ((), (REFUSED,), 2),
        ((), (UNKNOWN,), 2),
    ],
)
def test_the_exit_code(states: tuple[str, ...], packs: tuple[str, ...], code: int) -> None:
    found = plan(*states, packs=packs)
    assert found.code == code
    assert as_json(found)["code"] == code


def test_sums_and_minutes() -> None:
    found = plan(MISSING, MISSING, INSTALLED, REFUSED, speed=100_000_000)
    assert (found.to_fetch, found.unknown_sizes, found.seconds, found.fits) == (20 * GB, 0, 200.0, True)
    text = "\n".join(lines(found))
    assert "to fetch: 20.0 GB; about 3 min at 100 MB/s, the last download's speed; it fits on the disk" in text
    assert "models: 1 of 4 installed; node packs: 0 of 0 installed" in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (plan(MISSING), "the network's speed is not measured yet"),
        (plan(MISSING, free=9 * GB), "it does not fit on the disk: 9.0 GB free"),
        (plan(MISSING, free=-GB), "it does not fit on the disk: 0.0 GB free"),
        (
            Plan([model(MISSING)], [], Room(GB)),
            "and 1 files of unknown size; the network's speed is not measured yet; what",
        ),
    ],
)
def test_what_is_not_known_is_said(found: Plan, words: str) -> None:
    assert words in "\n".join(lines(found))


def test_the_gpu_wants_the_largest_file_that_it_holds_whole() -> None:
    found = Plan(
        [model(INSTALLED, "v.pt", 99 * GB), model(INSTALLED, "u.pt", 14 * GB, "diffusion_models"),
         model(MISSING, "t.pt", 6 * GB, "text_encoders")], [], Room(GB, 0, 24 * GB),
    )  # fmt: skip
    assert "GPU memory: at least 14.0 GB for u.pt, and working memory; this GPU has 24.0 GB" in "\n".join(lines(found))
    assert as_json(found)["gpu_bytes"] == 14 * GB


def test_a_file_in_the_place_of_a_folder_is_refused() -> None:
    models = [model(MISSING, "a.pt"), model(MISSING, "a.pt/b.pt"), model(MISSING, "c.pt")]
    assert one_file_each(models) == ["vae/a.pt/b.pt: its folder is the name of another file of this workflow"]
    assert [each.state for each in models] == [MISSING, REFUSED, MISSING]


def test_json_has_everything_in_it() -> None:
    assert json.loads(json.dumps(as_json(plan(MISSING, packs=(MISSING,)))))["models"][0] == {
        "name": "m.pt", "directory": "vae", "state": "missing", "bytes": 10 * GB, "url": "https://h/m", "sha256": None,
        "path": None, "note": "", "candidates": [], "classes": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/a?download=true", "https://h/a?download=true"),
        ("https://user:SECRET@h/a", "https://h/a"),
        ("https://h/a?token=SECRET&x=1", "https://h/a?x=1"),
        ("https://h/a?X-Amz-Signature=SECRET", "https://h/a"),
        ("SECRET@\x1b[31m", "SECRET@?[31m"),
    ],
)
def test_no_login_of_an_address_is_shown(url: str, shown: str) -> None:
    assert shown_address(url) == shown
