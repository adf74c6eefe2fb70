"""ComfyUI's history becomes files, or a failure in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.jobs.failure import JobFailed
from entrypoint.jobs.outcome import OutputFile, files_of, kept_files


def entry(outputs: Any, *messages: Any, state: str = "success") -> dict[str, Any]:
    return {"outputs": outputs, "status": {"status_str": state, "messages": list(messages)}}


def picture(name: str, **more: str) -> dict[str, str]:
    return {"filename": name, "subfolder": "", "type": "output"} | more


def test_files_of_every_kind() -> None:
    found = files_of(entry({
        "9": {"images": [picture("a.png"), picture("b.png", type="temp")], "text": ["words"]},
        "10": {"gifs": [picture("c.mp4", subfolder="video/x", fullpath="/etc/passwd")], "animated": [True]},
    }))  # fmt: skip
    assert found == [
        OutputFile("9", "images", "output", "a.png"), OutputFile("9", "images", "temp", "b.png"),
        OutputFile("10", "gifs", "output", "video/x/c.mp4"),
    ]  # fmt: skip
    assert [each.name for each in kept_files(found)] == ["a.png", "c.mp4"]
    assert [
        each.node
        for each in files_of(entry({"9": {"images": [picture("a")]}, "8": {"images": [picture("b")]}}), ("8",))
    ] == ["8"]


@pytest.mark.parametrize(
    "item",
    [picture("../../x"), picture("x", subfolder="/etc"), picture("x", type="input"), picture(""), 7, {"filename": 7}],
)
def test_a_file_outside_the_folders_is_none(item: Any) -> None:
    assert files_of(entry({"9": {"images": [item]}})) == []


@pytest.mark.parametrize(
    ("message", "name", "words"),
    [
        (
            ["execution_error", {"node_id": "3", "node_type": "KSampler", "exception_message": "bad\n thing"}],
            "NodeFailed", r"node 3 \(KSampler\): bad thing",
        ),
        (
            ["execution_error", {"exception_type": "torch.OutOfMemoryError", "exception_message": "Allocation"}],
            "OutOfMemory", "Allocation",
        ),
        (["execution_interrupted", {}], "Cancelled", "interrupted"),
        (["odd"], "NodeFailed", "does not say which"),
    ],
)  # fmt: skip
def test_failures(message: Any, name: str, words: str) -> None:
    with pytest.raises(JobFailed, match=words) as caught:
        files_of(entry({}, message, state="error"))
    assert caught.value.failure.name == name


@pytest.mark.parametrize(
    "content", [{}, {"outputs": [], "status": 7}, {"outputs": {"1": 7}, "status": {"messages": 7}}]
)
def test_wrong_types_are_passed_over(content: Any) -> None:
    assert files_of(content) == []
