"""P: the registry of conditions: one entry for every condition the pod can record.

Every list of conditions derives from it: what the doctor warns of, what a program clears at its launch, what keeps a
service down, docs/conditions.md. A contract test compares it with the code and with the tests.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
#: `cleared_by` of a condition that holds until the pod is started again. (A start clears all the others, too.)
START = "start"


class Entry(NamedTuple):
    """One condition.

    Attributes:
        severity: `error`: something users need does not work. `warning`: it works, but not as it could. `note`: good to
            know; the pod counts as healthy.
        cleared_by: The program (supervisord's name) that clears the condition once it no longer holds, or START.
        meaning: What is wrong, in one sentence, for docs/conditions.md.
        blocks: The program (supervisord's name) that exits and stays down while the condition holds; "": none.
    """

    severity: Severity
    cleared_by: str
    meaning: str
    blocks: str = ""


REGISTRY: dict[str, Entry] = {
    "AttentionKernelWrong": Entry(
        "warning", "gpu", "The package sageattention computes wrong on this GPU, so `ATTENTION=auto` does not use it."
    ),
    "ComfyUIArgumentDropped": Entry(
        "warning", "comfyui", "ComfyUI starts without an argument of COMFYUI_ARGS that would make it exit."
    ),
    "ComfyUIAuthOff": Entry("warning", START, "COMFYUI_AUTH=none: ComfyUI asks for no login."),
    "ComfyUIFails": Entry("error", "comfyui", "ComfyUI ended several times in a row before it responded."),
    "ComfyUIMissing": Entry("error", "comfyui", "ComfyUI's code is missing or cannot be installed.", "comfyui"),
    "ComfyUIPackagesMissing": Entry("error", "comfyui", "ComfyUI's Python environment has no torch.", "comfyui"),
    "ComfyUIPortTaken": Entry("error", "comfyui", "Another program listens on ComfyUI's port."),
    "ComfyUIPythonMissing": Entry("error", "comfyui", "ComfyUI's Python does not run.", "comfyui"),
    "ComfyUIArriving": Entry("note", "comfyui", "The variant thin fetches ComfyUI's environment."),
    "ComfyUINotArrived": Entry("error", "comfyui", "The variant thin could not fetch ComfyUI's environment."),
    "ComfyUIVersionMissing": Entry(
        "warning", "comfyui", "The chosen version of ComfyUI is not on this pod: the image's runs."
    ),
    "ComfyUIVersionNotUsed": Entry("warning", "version", "COMFYUI_VERSION names a version that cannot be used."),
    "ComfyUIVersionReverted": Entry(
        "warning", "comfyui", "The chosen version of ComfyUI did not come up: the one before it runs again."
    ),
    "DataFolderNotReady": Entry("error", "volumes", "A folder or link in the data folder cannot be made."),
    "DataReadOnly": Entry("error", "comfyui", "ComfyUI cannot write to its data folder."),
    "Draining": Entry("note", "drain", "The pod is drained before a stop: ComfyUI accepts and begins no workflow."),
    "ExtraModelPathsBroken": Entry("warning", "comfyui", "extra_model_paths.yaml cannot be used."),
    "FolderInTheWay": Entry("warning", START, "A former template's folder cannot be adopted: another is in its place."),
    "FormerEnvironment": Entry(
        "note", "volumes", "A virtual environment that another template has left on the volume is no longer needed."
    ),
    "FormerFoldersUnused": Entry(
        "note", "volumes", "Two templates have left folders on the volume: ComfyUI does not use those of the second."
    ),
    "GatewayMissing": Entry(
        "error", "gateway", "A service has no door in front of it and listens on the loopback.", "gateway"
    ),
    "GatewayPortTaken": Entry(
        "error", "gateway", "Another program listens on a public port: JUPYTER_PORT, COMFYUI_PORT, STATUS_PORT."
    ),
    "GatewayWithoutLogin": Entry("error", "gateway", "The door cannot read the login's files."),
    "GpuComputesWrong": Entry("error", "gpu", "The GPU returns wrong results."),
    "GpuDriverOld": Entry("error", "gpu", "The host's driver is too old for the image's CUDA."),
    "GpuFaulty": Entry("warning", "gpu", "The GPU reports errors of its memory."),
    "GpuMissing": Entry("error", "comfyui", "RunPod has promised a GPU, and none is visible."),
    "GpuShared": Entry("warning", "gpu", "A process that is not ComfyUI uses much of the GPU's memory."),
    "GpuSlow": Entry("warning", "gpu", "The GPU, or the link to it, is much slower than its model should be."),
    "GpuUnusable": Entry("error", "gpu", "CUDA does not work on this host: it does not start, hangs, or crashes."),
    "HomeNotUsable": Entry("warning", START, "The home cannot be written to: the services have a temporary one."),
    "IdleStopNotPossible": Entry(
        "warning", "runpod", "IDLE_STOP, MAX_HOURS or MAX_COST is set, and nothing can stop this pod."
    ),
    "IdleUnknown": Entry("warning", "meter", "The meter cannot tell whether the pod is idle, so IDLE_STOP waits."),
    "JupyterAuthOff": Entry("warning", START, "JUPYTER_AUTH=none: JupyterLab asks for no login."),
    "JupyterRootElsewhere": Entry("error", "jupyter", "JupyterLab cannot open the data folder and shows another one."),
    "JupyterUserConfigBroken": Entry("error", "jupyter", "A Jupyter configuration file of the user cannot be loaded."),
    "JupyterUserSettingIgnored": Entry(
        "warning",
        "jupyter",
        "JupyterLab runs without a setting of the user's Jupyter files: it is wrong, or the pod's.",
    ),
    "LoginNotKept": Entry("warning", START, "The volume cannot keep the login: the token changes with every start."),
    "ManagerNotSettled": Entry("warning", "comfyui", "ComfyUI-Manager's config.ini cannot be written."),
    "ManagerRestricted": Entry("warning", "comfyui", "ComfyUI-Manager may not install while ComfyUI has no login."),
    "ModelsIncomplete": Entry("warning", "models", "Some of the wanted models could not be downloaded."),
    "ModelsNotOnVolume": Entry(
        "warning", "models", "Models on the container's own disk (MODELS_CACHE=local) cannot be copied to the volume."
    ),
    "NodeLeftOut": Entry("warning", "comfyui", "ComfyUI starts without a custom node that ended it."),
    "NodePackIncomplete": Entry(
        "warning", "models", "The custom nodes that load a bundle's files are not all installed."
    ),
    "NodesNotLoaded": Entry("warning", "nodes", "ComfyUI could not import some custom nodes."),
    "NoGpu": Entry("note", "comfyui", "No GPU is visible: ComfyUI computes on the CPU."),
    "OutputsNotDelivered": Entry("warning", "outputs", "Outputs could not be delivered to OUTPUTS_TO."),
    "PackagesNotKept": Entry("warning", "nodes", "Packages that were installed cannot be kept on the volume."),
    "PackagesNotRestored": Entry("warning", "comfyui", "Some of the kept packages are missing from ComfyUI."),
    "PackagesOfAnotherImage": Entry(
        "warning", "nodes", "Packages that were installed under another image cannot be installed under this one."
    ),
    "PackagesRolledBack": Entry(
        "warning", "nodes", "Packages that were installed broke ComfyUI: the last good ones are back."
    ),
    "PodNotStopped": Entry("error", "meter", "The pod was to be stopped, and RunPod did not stop it."),
    "PodStopsSoon": Entry("warning", "meter", "The pod is stopped in a few minutes."),
    "PromptSetAside": Entry(
        "warning", "nodes", "A queued workflow is not run again: ComfyUI died twice with it, or it cannot run now."
    ),
    "QueueDamaged": Entry("warning", "nodes", "Records of the queue on the volume are damaged and were skipped."),
    "QueueNotKept": Entry("warning", "nodes", "The queue cannot be kept on the volume: a restart would lose it."),
    "QueueWaits": Entry("note", "nodes", "QUEUE_RESTORE=ask: workflows of before the restart wait for an answer."),
    "RunAsNotPossible": Entry("warning", START, "RUN_AS or PUID names another user, and the pod is not root."),
    "SettingIgnored": Entry("warning", START, "The value of a variable is not used as it was given."),
    "SshHostKeyNotKept": Entry(
        "warning", "sshd", "The volume cannot keep sshd's host keys: ssh warns of another host after every start."
    ),
    "SshKeyIgnored": Entry("warning", "sshd", "A line of PUBLIC_KEY is not a public key; the others work."),
    "SshPortTaken": Entry("warning", "sshd", "Another program listens on SSH_PORT."),
    "SshUnavailable": Entry("warning", "sshd", "PUBLIC_KEY is set, and sshd cannot run.", "sshd"),
    "SshUserWithoutName": Entry(
        "warning", "sshd", "The services' user has no name in /etc/passwd: sftp and scp fail, ssh and rsync work."
    ),
    "StartCommandFailed": Entry("warning", "command", "The start command failed or could not be run."),
    "StartStepFailed": Entry("error", START, "A step of the start failed; the pod runs without it."),
    "StateSetAside": Entry(
        "warning", START, "The folder of the pod's login was another user's: the pod made a new one, and a new login."
    ),
    "ThreadLimitLow": Entry("warning", "comfyui", "The container may have few processes and threads (pids.max)."),
    "VolumeElsewhere": Entry("warning", START, "A volume is mounted where the pod does not look for one."),
    "VolumeError": Entry("error", "volumes", "The volume returns input/output errors."),
    "VolumeFull": Entry("error", "volumes", "The volume has no space or no inodes left."),
    "VolumeHung": Entry("error", "volumes", "The volume does not respond."),
    "VolumeMissing": Entry("error", "volumes", "The data folder does not exist or is not a folder."),
    "VolumeModesIgnored": Entry("note", "volumes", "The volume does not keep file modes."),
    "VolumeNoExec": Entry("note", "volumes", "The volume is mounted noexec."),
    "VolumeNotAnswering": Entry("error", START, "A mounted volume did not respond at the start, so it is not used."),
    "VolumeNotWritable": Entry("error", "volumes", "The services' user may not write to the volume."),
    "VolumePassRefused": Entry("warning", "volumes", "The volume refuses what VOLUME_POLICY asks for."),
    "VolumeQuota": Entry("error", "volumes", "The volume's quota is used up, although df may show free space."),
    "VolumeReadOnly": Entry("error", "volumes", "The volume is mounted read-only."),
    "VolumeRootSquash": Entry("warning", "volumes", "The volume's server maps root to an unprivileged user."),
    "VolumeStale": Entry("error", "volumes", "The volume's server ended or its handle is stale."),
    "VolumeTopNotOpened": Entry("warning", "volumes", "Not all first-level folders could be opened to everybody."),
    "WebhookNotDelivered": Entry("warning", "webhooks", "A webhook could not be delivered to ON_DONE or ON_PROBLEM."),
    "WeakToken": Entry("warning", START, "The token that the user chose is short or easy to guess."),
    "WorkerMissing": Entry(
        "error", "worker", "The pod is a serverless worker, and its image has no SDK of RunPod's.", "worker"
    ),
    "WorkflowsIncomplete": Entry(
        "warning", "workflows", "A workflow of WORKFLOWS, or something that it needs, could not be fetched."
    ),
}


def severity_of(name: str) -> Severity:
    """The condition's severity; an unknown name is an error."""
    return REGISTRY[name].severity if name in REGISTRY else "error"


def cleared_by(program: str) -> frozenset[str]:
    """The names of all conditions that the program clears."""
    return frozenset(name for name, entry in REGISTRY.items() if entry.cleared_by == program)


def blocked_services(names: set[str]) -> set[str]:
    """The services that stay down while the conditions called `names` hold."""
    return {REGISTRY[name].blocks for name in names if name in REGISTRY} - {""}
