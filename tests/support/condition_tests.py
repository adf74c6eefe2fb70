"""Every condition the project can raise, and the test that produces it for real. A contract test compares.

A new condition needs a line here: either a pod of tests/process/status/test_conditions.py that has it (`POD`, where
the commands, JSON, metrics and doctor are checked), or the test that produces it on a volume no pod here can have.
"""

POD = "tests/process/status/test_conditions.py::test_each_is_shown_with_its_remedy_wherever_the_pod_is_shown"
CANARY = "tests/process/volumes/test_write_probe.py::"

PRODUCED_BY = {
    "ComfyUIArgumentDropped": POD,
    "ComfyUIAuthOff": POD,
    "ComfyUIMissing": POD,
    "ComfyUIPackagesMissing": POD,
    "ComfyUIPortTaken": POD,
    "ComfyUIPythonMissing": POD,
    "DataFolderNotReady": POD,
    "DataReadOnly": POD,
    "ExtraModelPathsBroken": POD,
    "FolderInTheWay": "tests/process/volumes/test_adopt_folders.py::test_two_files_of_one_name_are_both_kept_and_told",
    "GatewayMissing": "tests/process/door/test_in_a_pod.py::"
    "test_without_nginx_comfyui_keeps_to_itself_and_a_condition_says_what_to_do",
    "GatewayPortTaken": POD,
    "GatewayWithoutLogin": POD,
    "JupyterAuthOff": POD,
    "JupyterUserConfigBroken": POD,
    "LoginNotKept": POD,
    "ManagerNotSettled": POD,
    "ManagerRestricted": POD,
    "ModelsIncomplete": "tests/process/models/test_one_shot.py::"
    "test_an_unavailable_file_exits_1_and_the_last_line_names_it",
    "NoGpu": POD,
    "RunAsNotPossible": "tests/process/status/test_conditions.py::"
    "test_a_pod_that_is_not_root_can_not_run_as_somebody_else",
    "StartCommandFailed": POD,
    "StartStepFailed": POD,
    "VolumeError": CANARY + "test_network_volumes_that_refuse",
    "VolumeFull": POD,
    "VolumeHung": "tests/process/doctor/test_doctor.py::test_a_volume_that_hangs_comes_first_and_holds_nothing_up",
    "VolumeMissing": CANARY + "test_a_folder_that_is_not_there",
    "VolumeModesIgnored": CANARY + "test_network_volumes_that_refuse",
    "VolumeNoExec": POD,
    "VolumeNotAnswering": "tests/process/status/test_conditions.py::test_a_volume_that_is_silent_at_the_start",
    "VolumeNotWritable": CANARY + "test_a_folder_of_somebody_elses",
    "VolumePassRefused": "tests/process/volumes/test_one_shot.py::test_a_volume_that_refuses_is_one_condition",
    "VolumeQuota": CANARY + "test_network_volumes_that_refuse",
    "VolumeReadOnly": POD,
    "VolumeRootSquash": CANARY + "test_network_volumes_that_refuse",
    "VolumeStale": CANARY + "test_a_volume_whose_server_died",
    "VolumeTopNotOpened": "tests/process/volumes/test_boot_steps.py::test_a_volume_that_hangs_holds_no_step_up",
}
