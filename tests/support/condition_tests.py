"""Every condition the project can raise, and the test that produces it for real. A contract test compares.

A new condition needs a line here: either a pod of tests/process/status/test_conditions.py that has it (`POD`, where
the commands, JSON, metrics and doctor are checked), or the test that produces it on a volume no pod here can have.
"""

POD = "tests/process/status/test_conditions.py::test_each_condition_is_shown_with_its_remedy_wherever_the_pod_is_shown"
SSHD = "tests/process/ssh/test_sshd.py::"
WRITE_PROBE = "tests/process/volumes/test_write_probe.py::"

VERSIONS = "tests/process/comfyui/test_versions.py::"
NODES = "tests/process/nodes/test_pod.py::"
PACKAGES = "tests/process/packages/test_pod.py::"
METER, RUNPOD = "tests/process/meter/test_pod.py::", "tests/process/runpod/test_pod.py::"
GPU = "tests/process/gpu/test_podkeeper_gpu.py::"
QUEUE = "tests/process/queue/test_queue_survives.py::"
PRODUCED_BY = {
    "AttentionKernelWrong": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "SettingIgnored": "tests/process/boot/test_bad_settings.py::"
    "test_a_pod_with_many_bad_settings_comes_up_behind_a_login_and_names_each",
    "ComfyUIArgumentDropped": POD,
    "ComfyUIAuthOff": POD,
    "ComfyUIMissing": POD,
    "ComfyUIPackagesMissing": POD,
    "ComfyUIPortTaken": POD,
    "ComfyUIPythonMissing": POD,
    "ComfyUIArriving": "tests/process/packages/test_base_environment.py::"
    "test_it_arrives_part_by_part_and_from_the_volume_afterwards",
    "ComfyUINotArrived": "tests/process/packages/test_base_environment.py::"
    "test_it_arrives_part_by_part_and_from_the_volume_afterwards",
    "ComfyUIVersionMissing": VERSIONS + "test_without_its_archive_the_images_version_runs",
    "ComfyUIVersionNotUsed": VERSIONS + "test_a_setting_that_cannot_be_used_is_a_condition",
    "ComfyUIVersionReverted": VERSIONS + "test_a_version_that_does_not_come_up_is_reverted",
    "DataFolderNotReady": POD,
    "DataReadOnly": POD,
    "Draining": "tests/process/queue/test_in_a_pod.py::test_a_pod_keeps_drains_and_resumes_its_queue",
    "ExtraModelPathsBroken": POD,
    "IdleStopNotPossible": RUNPOD + "test_a_stop_that_cannot_work_is_told_at_the_start",
    "IdleUnknown": METER + "test_a_look_that_fails_counts_as_work_and_is_told",
    "PodNotStopped": RUNPOD + "test_a_stop_that_fails_leaves_a_pod_that_works",
    "PodStopsSoon": METER + "test_at_last_an_idle_container_ends_with_0",
    "FolderInTheWay": "tests/process/volumes/test_adopt_folders.py::test_two_files_of_one_name_are_both_kept",
    "FormerEnvironment": "tests/process/volumes/test_former_templates.py::"
    "test_an_old_environment_is_named_until_it_is_gone",
    "FormerFoldersUnused": "tests/process/volumes/test_former_templates.py::"
    "test_a_second_templates_folders_are_named_and_can_be_used",
    "GatewayMissing": "tests/process/door/test_in_a_pod.py::"
    "test_without_a_door_comfyui_listens_on_loopback_and_a_condition_says_what_to_do",
    "GatewayPortTaken": POD,
    "GatewayWithoutLogin": POD,
    "GpuComputesWrong": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "GpuDriverOld": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "GpuFaulty": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "GpuMissing": POD,
    "GpuShared": GPU + "test_a_gpu_that_another_process_uses_is_a_condition",
    "GpuSlow": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "GpuUnusable": GPU + "test_a_bad_host_is_a_condition_until_it_is_good",
    "HomeNotUsable": POD,
    "JupyterAuthOff": POD,
    "JupyterRootElsewhere": "tests/process/jupyter/test_folders.py::"
    "test_jupyterlab_runs_where_the_data_folder_is_closed",
    "JupyterUserConfigBroken": POD,
    "JupyterUserSettingIgnored": POD,
    "LoginNotKept": POD,
    "ManagerNotSettled": POD,
    "ManagerRestricted": POD,
    "WorkflowsIncomplete": "tests/process/workflows/test_library.py::"
    "test_each_bad_workflow_is_a_clear_line_and_the_good_one_arrives",
    "ModelsIncomplete": "tests/process/models/test_one_shot.py::"
    "test_an_unavailable_file_exits_1_and_the_last_line_names_it",
    "ModelsNotOnVolume": "tests/process/models/test_local_disk.py::"
    "test_a_full_volume_is_a_condition_and_the_local_file_goes_on_being_used",
    "ComfyUIFails": NODES + "test_a_start_that_fails_says_why_until_comfyui_responds",
    "NodeLeftOut": NODES + "test_comfyui_serves_the_others_and_says_which_node_is_left_out",
    "NodePackIncomplete": "tests/process/nodes/test_bundle_nodes.py::"
    "test_nodes_that_cannot_be_had_are_a_condition_until_they_are",
    "NodesNotLoaded": NODES + "test_a_node_that_cannot_be_imported_is_named",
    "NoGpu": POD,
    "OutputsNotDelivered": "tests/process/outputs/test_delivery.py::"
    "test_what_is_wrong_is_a_condition_with_a_remedy_until_it_is_over",
    "PackagesNotKept": PACKAGES + "test_a_volume_that_refuses_packages_is_a_condition_until_it_takes_them",
    "PackagesNotRestored": PACKAGES + "test_a_damaged_archive_is_named",
    "PackagesOfAnotherImage": PACKAGES + "test_another_image_gets_what_was_asked_for",
    "PackagesRolledBack": PACKAGES + "test_two_dead_starts_bring_the_last_good_packages_back",
    "PromptSetAside": "tests/process/queue/test_in_a_pod.py::test_a_pod_keeps_drains_and_resumes_its_queue",
    "QueueDamaged": QUEUE + "test_a_workflow_that_cannot_run_any_more_is_set_aside_with_comfyuis_reason",
    "QueueNotKept": QUEUE + "test_a_volume_that_refuses_is_told_and_comfyui_works",
    "QueueWaits": QUEUE + "test_ask_waits_for_an_answer",
    "RunAsNotPossible": "tests/process/status/test_conditions.py::"
    "test_a_pod_that_is_not_root_cannot_run_as_another_user",
    "SshHostKeyNotKept": SSHD + "test_a_volume_that_keeps_no_host_key_is_reported_and_ssh_works",
    "SshKeyIgnored": SSHD + "test_lines_that_are_no_key_are_reported_and_the_others_work",
    "SshPortTaken": SSHD + "test_a_port_that_is_taken_or_another_services_stops_nothing_else",
    "SshUnavailable": SSHD + "test_no_sshd_listens_without_a_key_that_can_be_used",
    "SshUserWithoutName": SSHD + "test_a_session_is_the_services_users_who_has_no_name",
    "StartCommandFailed": POD,
    "StartStepFailed": POD,
    "StateSetAside": "tests/unit/door/test_login.py::test_another_users_folder_is_set_aside_and_the_login_made_anew",
    "ThreadLimitLow": "tests/process/system/test_thread_limits.py::"
    "test_comfyui_gets_as_many_threads_as_the_container_has_cores",
    "VolumeElsewhere": "tests/process/volumes/test_elsewhere.py::test_a_volume_at_data_is_named",
    "VolumeError": WRITE_PROBE + "test_network_volumes_that_refuse",
    "VolumeFull": POD,
    "VolumeHung": "tests/process/doctor/test_doctor.py::test_a_hung_volume_comes_first_and_blocks_no_check",
    "VolumeMissing": WRITE_PROBE + "test_a_missing_folder",
    "VolumeModesIgnored": WRITE_PROBE + "test_network_volumes_that_refuse",
    "VolumeNoExec": POD,
    "VolumeNotAnswering": "tests/process/status/test_conditions.py::test_a_volume_that_does_not_respond_at_the_start",
    "VolumeNotWritable": WRITE_PROBE + "test_a_folder_of_another_user",
    "VolumePassRefused": "tests/process/volumes/test_one_shot.py::test_a_volume_that_refuses_changes_is_one_condition",
    "VolumeQuota": WRITE_PROBE + "test_network_volumes_that_refuse",
    "VolumeReadOnly": POD,
    "VolumeRootSquash": WRITE_PROBE + "test_network_volumes_that_refuse",
    "VolumeStale": WRITE_PROBE + "test_a_volume_whose_server_died",
    "VolumeTopNotOpened": "tests/process/volumes/test_boot_steps.py::test_a_volume_that_hangs_does_not_block_a_step",
    "WebhookNotDelivered": "tests/process/webhooks/test_worker.py::"
    "test_a_failure_is_tried_again_with_the_same_id_over_a_restart",
    "WeakToken": POD,
    "WorkerMissing": "tests/process/serverless/test_without_sdk.py::test_a_worker_without_the_sdk_is_a_condition",
}
