"""The snapshot's custom nodes, from files of any content."""

from typing import Any

import pytest

from entrypoint.settings.settings import Settings
from entrypoint.status.custom_nodes import custom_nodes, names
from entrypoint.status.node_schema import Node, NodeOutcome, Nodes, NodeWork
from entrypoint.status.snapshot import as_json, make_snapshot
from entrypoint.system.redaction import Redactor
from tests.support.snapshots import NOW, observations

ORIGIN = {"repository": "https://github.com/x/Pack", "commit": "a" * 40, "registry": "", "version": "1.2"}
ROW = {"name": "Pack", "path": "/data/custom_nodes/Pack", "state": "failed", "reason": "No module named 'x'",
       "origin": ORIGIN, "newest": "b" * 40}  # fmt: skip


def rows(*changed: Any) -> dict[str, Any]:
    return {"nodes": [ROW | each if isinstance(each, dict) else each for each in changed]}


def only(**changes: Any) -> Node:
    (node,) = custom_nodes(rows(changes), None, None).nodes
    return node


def test_a_node_has_everything_but_its_path() -> None:
    assert only() == Node(
        name="Pack", state="failed", reason="No module named 'x'", repository="https://github.com/x/Pack",
        commit="a" * 40, version="1.2", newest="b" * 40,
    )  # fmt: skip


@pytest.mark.parametrize("content", [None, 3, "x", [], [ROW], {}, {"nodes": None}, {"nodes": {"a": ROW}},
                                     {"nodes": 3, "manager": ["4"]}])  # fmt: skip
def test_a_file_of_another_shape_has_no_nodes(content: Any) -> None:
    assert custom_nodes(content, content, NOW) == Nodes(nodes=(), manager="", work=None, last=None, restart=False)


@pytest.mark.parametrize("row", [None, 3, [], {"name": 7}, {"name": ""}, {"name": None}, {"state": "great"},
                                 {"state": ["loaded"]}, {"state": {}}])  # fmt: skip
def test_a_row_of_another_shape_costs_itself_alone(row: Any) -> None:
    assert [node.name for node in custom_nodes(rows(row, {"name": "Good"}), None, None).nodes] == ["Good"]


@pytest.mark.parametrize("key", ["reason", "origin", "newest"])
@pytest.mark.parametrize("value", [None, 3, [], {}, {"repository": 7, "commit": [], "version": None}])
def test_a_field_of_another_shape_is_empty(key: str, value: Any) -> None:
    node = only(**{key: value})
    assert "" in (node.reason, node.commit, node.newest)
    assert all(isinstance(getattr(node, each), str) for each in Node.__slots__)


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("https://github.com/x/y", "https://github.com/x/y"),
        ("http://git.local:3000/x/y.git", "http://git.local:3000/x/y.git"),
        ("git@github.com:x/y.git", ""),
        ("ssh://git@github.com/x/y", ""),
        ("/data/repositories/y", ""),
        ("ssh://github.com/x/y", ""),
        ("file:///etc/passwd", ""),
        ("javascript://github.com/%0aalert(1)", ""),
        ("javascript:alert(1)//https://x", ""),
        ("data:text/html,<script>alert(1)</script>", ""),
        ("https://", ""),
        ("https:///x/y", ""),
        ("https://[", ""),
        ("https://github.com@evil.example/x", ""),
        ("https://user:password@github.com/x/y", ""),
        ("java\nscript:alert(1)", ""),
        ("https://github.com/x\n/y", ""),
    ],
)
def test_a_repository_is_a_link_where_a_browser_may_follow_it(address: str, link: str) -> None:
    assert only(origin=ORIGIN | {"repository": address}).repository == link


def test_a_name_is_kept_as_it_is_and_texts_are_one_line() -> None:
    assert only(name="<b> a'\"\n%2F..%00ü").name == "<b> a'\"\n%2F..%00ü"
    assert only(name="not utf-8: \udcff").name == "not utf-8: ?"
    assert only(reason="a\n  b\t\n").reason == "a b"
    assert len(only(reason="a" * 100_000).reason) == 500


def test_names_are_those_of_the_rows() -> None:
    assert names(rows({}, {"name": "Other"}, {"name": 3})) == {"Pack", "Other"}
    assert names(None) == set()


@pytest.mark.parametrize(
    ("record", "work", "last"),
    [
        ({"work": {"text": "repairing Pack", "since": 5}, "last": None}, NodeWork(text="repairing Pack", since=5),
         None),
        ({"work": None, "last": {"text": "done", "problem": False, "at": 9}}, None,
         NodeOutcome(text="done", problem=False, at=9)),
        ({"last": {"text": "why", "problem": True, "at": 9}}, None, NodeOutcome(text="why", problem=True, at=9)),
        ({"last": {"text": "why", "at": 9}}, None, NodeOutcome(text="why", problem=True, at=9)),
        ({"work": {"text": 3, "since": 5}, "last": {"text": "", "at": 9}}, None, None),
        ({"last": {"text": "why", "problem": True}}, None, None),
        ({"work": {"text": "x", "since": "now"}, "last": []}, None, None),
        ({"work": {"text": "x", "since": float("nan")}}, None, None),
        ({"work": {"text": "x", "since": 10**400}}, None, None),
    ],
)  # fmt: skip
def test_the_work_and_its_outcome(record: Any, work: NodeWork | None, last: NodeOutcome | None) -> None:
    found = custom_nodes(None, record, None)
    assert (found.work, found.last) == (work, last)


@pytest.mark.parametrize(
    ("changed", "started", "restart"),
    [(9, 5.0, True), (9, 9.5, False), (9, None, False), (None, 5.0, False), ("x", 5.0, False), (True, 0.5, False)],
)
def test_comfyui_is_restarted_for_what_was_changed_after_its_start(
    changed: Any, started: float | None, restart: bool
) -> None:
    assert custom_nodes(None, {"changed": changed}, started).restart is restart


def test_the_snapshot_compares_with_the_start_of_comfyuis_process() -> None:
    running = {"name": "comfyui", "statename": "RUNNING", "start": NOW - 10}
    for ago, restart in ((5, True), (20, False)):
        made = make_snapshot(Settings(), observations(processes=[running], node_work={"changed": NOW - ago}))
        assert made.nodes.restart is restart


def test_the_json_has_no_path_and_no_secret() -> None:
    content = rows({"reason": "cannot reach https://u:s3cret-token@h/", "newest": "s3cret-token"}) | {
        "manager": "4.2.2"
    }
    made = as_json(make_snapshot(Settings(), observations(nodes=content)), Redactor(["s3cret-token"]))["nodes"]
    assert made["manager"] == "4.2.2"
    assert made["nodes"][0]["newest"] == "[secret]"
    assert "/data" not in str(made)
    assert "s3cret" not in str(made)
