"""Jobs that ComfyUI's page asks for: kept on the disk, done one after another, whatever is found in their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrypoint.settings.paths import Paths
from entrypoint.workflows.jobs import MOST_JOBS, MOST_PLANS, TooMany, add_job, keep_plan, planned, remove_job
from entrypoint.workflows.jobs import waiting_jobs as waiting
from tests.support.comfyui_paths import paths_in


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = paths_in(tmp_path)
    os.makedirs(made.reports)
    return made


def test_a_job_has_the_workflow_of_its_plan_and_outlives_the_plan(paths: Paths) -> None:
    plan = keep_plan(paths, b'{"nodes": []}', b'{"models": []}')
    assert planned(paths, plan) == {"models": []}
    first, second = add_job(paths, plan, "my\nflow", ["vae/a"], []), add_job(paths, plan, "", [], ["x@1"])
    for number in range(MOST_PLANS):
        keep_plan(paths, b"%d" % number, b"{}")
    assert planned(paths, plan) == {}
    jobs = waiting(paths)
    assert [(each.id, each.title, set(each.models), set(each.nodes)) for each in jobs] == [
        (first, "my?flow", {"vae/a"}, set()),
        (second, "", set(), {"x@1"}),
    ]
    assert {Path(each.workflow).read_bytes() for each in jobs} == {b'{"nodes": []}'}
    remove_job(paths, first)
    remove_job(paths, second)
    assert waiting(paths) == []
    assert os.listdir(f"{paths.reports}/workflow-jobs") == []


@pytest.mark.parametrize("plan", ["", "../elsewhere", "../workflows", "0" * 64, "../../x/" + "0" * 56, "\0"])
def test_what_is_no_plan(paths: Paths, plan: str) -> None:
    Path(paths.reports, "elsewhere.plan").write_text('{"models": []}')
    Path(paths.reports, "workflow-plans").mkdir()
    assert planned(paths, plan) == {}
    with pytest.raises((OSError, ValueError)):
        add_job(paths, plan, "", ["vae/a"], [])
    assert waiting(paths) == []


def test_only_so_many_wait(paths: Paths) -> None:
    plan = keep_plan(paths, b"{}", b"{}")
    for _ in range(MOST_JOBS):
        add_job(paths, plan, "", ["a"], [])
    with pytest.raises(TooMany):
        add_job(paths, plan, "", ["a"], [])


def test_whatever_is_in_the_folder(paths: Paths) -> None:
    folder = Path(paths.reports, "workflow-jobs")
    folder.mkdir()
    for name in ("x.json", "00000000000000000001-abcdef01.workflow"):
        (folder / name).write_text("{}")
    (folder / "00000000000000000002-abcdef01.json").mkdir()
    (folder / "00000000000000000003-abcdef01.json").write_text('{"models": 5, "nodes": [1, "n"], "title": {}}')
    os.mkfifo(folder / "00000000000000000004-abcdef01.json")
    assert [(each.title, set(each.models), set(each.nodes)) for each in waiting(paths)] == [
        ("", set(), set()), ("", set(), {"n"}), ("", set(), set()),
    ]  # fmt: skip
