"""ComfyUI's report of the nodes that it could not import; the lines are those of ComfyUI 0.29."""

from __future__ import annotations

from entrypoint.nodes.import_log import ImportReport, import_report, summary

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


def test_each_node_is_loaded_or_failed_with_its_reason() -> None:
    report = import_report([WHY, "traceback", *TABLE])
    assert report.loaded == {"websocket_image_save.py": 0.0}
    assert report.failed == {"Lacks": "No module named 'cv2'", "odd name.py": ""}
    assert summary(report.failed) == "Lacks (No module named 'cv2'), odd name.py"


def test_lines_of_other_threads_between_the_rows_do_not_end_the_table() -> None:
    report = import_report([TABLE[0], TABLE[1], "FETCH ComfyRegistry Data: 5/120", *TABLE[2:]])
    assert len(report.failed) == 2


def test_only_the_last_start_counts() -> None:
    assert import_report([WHY, *TABLE, *TABLE[:2]]).failed == {}
    launch = "comfyui: /env/bin/python -X faulthandler /app/entrypoint/nodes/runner.py /run/m /opt/comfyui/main.py"
    assert import_report([WHY, *TABLE, launch]) == ImportReport()


def test_a_folder_of_jupyterlab_is_no_failed_node() -> None:
    row = "   0.0 seconds (IMPORT FAILED): /comfyui/custom_nodes/.ipynb_checkpoints"
    assert import_report([TABLE[0], row]).failed == {}


def test_the_prestartup_table_is_not_the_report() -> None:
    rows = ["Prestartup times for custom nodes:", "   3.3 seconds (PRESTARTUP FAILED): /c/custom_nodes/A"]
    assert import_report([*rows, *TABLE[:2]]) == ImportReport({"websocket_image_save.py": 0.0})


def test_a_log_without_a_report_says_nothing() -> None:
    assert import_report(["To see the GUI go to: http://127.0.0.1:8188"]) == ImportReport()
