"""ComfyUI's report of the nodes that it could not import; the lines are those of ComfyUI 0.29."""

from __future__ import annotations

import pytest

from entrypoint.nodes.import_log import failed_nodes, missing_module, summary

WHY = (
    "\x1b[33m[WARNING]\x1b[0m Cannot import /comfyui/custom_nodes/Lacks module for custom nodes: No module named 'cv2'"
)
TABLE = [
    "Import times for custom nodes:",
    "   0.0 seconds: /comfyui/custom_nodes/websocket_image_save.py",
    "   0.1 seconds (IMPORT FAILED): /comfyui/custom_nodes/Lacks",
    "   0.2 seconds (IMPORT FAILED): /comfyui/custom_nodes/odd name.py",
    "",
]


def test_each_failed_node_has_its_reason() -> None:
    failed = failed_nodes([WHY, "traceback", *TABLE])
    assert failed == {"Lacks": "No module named 'cv2'", "odd name.py": ""}
    assert summary(failed) == "Lacks (No module named 'cv2'), odd name.py"


def test_only_the_last_start_counts() -> None:
    assert failed_nodes([WHY, *TABLE, *TABLE[:2]]) == {}


def test_a_log_without_a_report_says_nothing() -> None:
    assert failed_nodes(["To see the GUI go to: http://127.0.0.1:8188"]) == {}


@pytest.mark.parametrize(
    ("why", "module"), [("No module named 'cv2'", "cv2"), ("No module named 'a.b'", "a.b"), ("libGL.so.1", "")]
)
def test_the_missing_module(why: str, module: str) -> None:
    assert missing_module(why) == module
