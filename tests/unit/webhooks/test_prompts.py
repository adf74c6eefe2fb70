"""ComfyUI's history, whole and broken."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.webhooks.prompts import finished


def entry(*messages: Any, outputs: Any = None, status: str = "success") -> dict[str, Any]:
    return {"outputs": outputs or {}, "status": {"status_str": status, "messages": list(messages)}}


START = ["execution_start", {"timestamp": 1000}]


def test_previews_and_temporary_files_are_no_outputs() -> None:
    outputs = {
        "1": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"},
                         {"filename": "b.png", "subfolder": "", "type": "temp"}], "text": ["hello"]},
        "2": {"gifs": [{"filename": "v.mp4", "subfolder": "x/y", "type": "output", "format": "video/h264-mp4"},
                       {"filename": "a.png", "type": "output"}], "animated": [True]},
    }  # fmt: skip
    (found,) = finished({"p": entry(START, ["execution_success", {"timestamp": 3500}], outputs=outputs)})
    assert found.outputs == ("a.png", "x/y/v.mp4")
    assert (found.outcome, found.ended, found.seconds) == ("finished", 3.5, 2.5)


@pytest.mark.parametrize(
    ("end", "status", "outcome"),
    [("execution_error", "error", "failed"), ("execution_interrupted", "error", "interrupted"),
     ("execution_success", "success", "finished"), ("none", "error", "failed")],
)  # fmt: skip
def test_how_a_workflow_ended(end: str, status: str, outcome: str) -> None:
    about = {"timestamp": 2000, "node_type": "K", "exception_type": "E", "exception_message": " a\n b "}
    (found,) = finished({"p": entry(START, [end, about], status=status)})
    assert found.outcome == outcome
    assert found.error == ("K: E: a b" if end == "execution_error" else "")


@pytest.mark.parametrize(
    "history",
    [None, [], "x", {"p": None}, {"p": {"status": {"messages": 5}}}, {"p": {"outputs": {"1": 5}}},
     {"p": entry(["execution_success", {"timestamp": "x"}])}],
)  # fmt: skip
def test_another_form_is_passed_over(history: Any) -> None:
    assert finished(history) == []


def test_an_entry_without_times_has_ended_at_no_time() -> None:
    (found,) = finished({"p": {"outputs": {}, "status": None}})
    assert (found.ended, found.seconds, found.outcome) == (0.0, 0.0, "finished")
