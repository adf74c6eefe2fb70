"""ComfyUI's report of the nodes that it could not import; the lines are those of ComfyUI 0.29."""

from __future__ import annotations

from entrypoint.nodes.import_log import ImportReport, crashing_node, import_report, summary

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


CRASH = """Fatal Python error: Segmentation fault

Thread 0x00007f01 (most recent call first):
  File "/comfyui/custom_nodes/Innocent/worker.py", line 3 in run

Current thread 0x00007f02 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 517 in string_at
  File "/comfyui/custom_nodes/Bad/nodes.py", line 7 in run
  File "/comfyui/custom_nodes/Wrapper/__init__.py", line 9 in call
  File "/opt/comfyui/execution.py", line 300 in process

Extension modules: numpy (total: 1)
  File "/comfyui/custom_nodes/Innocent/x.py", line 1""".splitlines()
LAUNCH = "comfyui: /env/bin/python -X faulthandler /app/entrypoint/nodes/runner.py /run/m /opt/comfyui/main.py"


def test_the_node_in_whose_code_comfyui_crashed() -> None:
    assert crashing_node([LAUNCH, *CRASH]) == "Bad"
    assert crashing_node([*CRASH, LAUNCH]) == ""
    assert crashing_node([line.replace("custom_nodes", "elsewhere") for line in CRASH]) == ""
    assert crashing_node([]) == ""
