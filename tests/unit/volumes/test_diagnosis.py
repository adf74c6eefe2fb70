"""Results of write probes -> conditions, as a table."""

import pytest

from entrypoint.volumes.diagnosis import CONDITION_NAMES, ProbeResult, conditions

ROOM = 10 << 30


@pytest.mark.parametrize(
    ("probe", "names"),
    [
        (ProbeResult(), []),
        (ProbeResult(error="EROFS", step="create"), ["VolumeReadOnly"]),
        (ProbeResult(error="ENOSPC", free_bytes=0), ["VolumeFull"]),
        (ProbeResult(error="ENOSPC", free_bytes=ROOM, free_inodes=0), ["VolumeFull"]),
        (ProbeResult(error="ENOSPC", free_bytes=ROOM, free_inodes=5), ["VolumeQuota"]),
        (ProbeResult(error="ENOSPC", free_bytes=ROOM, free_inodes=None), ["VolumeQuota"]),
        (ProbeResult(error="EDQUOT", free_bytes=ROOM), ["VolumeQuota"]),
        (ProbeResult(error="EPERM", dac_override=True), ["VolumeRootSquash"]),
        (ProbeResult(error="EACCES", uid=1000), ["VolumeNotWritable"]),
        (ProbeResult(error="EACCES", uid=0, dac_override=False), ["VolumeNotWritable"]),
        (ProbeResult(error="ESTALE"), ["VolumeStale"]),
        (ProbeResult(error="ENOTCONN"), ["VolumeStale"]),
        (ProbeResult(error="HUNG"), ["VolumeHung"]),
        (ProbeResult(error="DIED"), ["VolumeError"]),
        (ProbeResult(error="EIO"), ["VolumeError"]),
        (ProbeResult(error="EMFILE"), ["VolumeError"]),
        (ProbeResult(error="ENOENT"), ["VolumeMissing"]),
        (ProbeResult(noexec=True), ["VolumeNoExec"]),
        (ProbeResult(chown_error="EPERM"), ["VolumeRootSquash"]),
        (ProbeResult(owner_kept=False), ["VolumeRootSquash"]),
        (ProbeResult(chmod_error="EPERM"), ["VolumeModesIgnored"]),
        (ProbeResult(modes_kept=False), ["VolumeModesIgnored"]),
        # several at once, the gravest first, each once
        (ProbeResult(error="EROFS", noexec=True), ["VolumeReadOnly", "VolumeNoExec"]),
        (ProbeResult(error="EPERM", dac_override=True, chown_error="EPERM"), ["VolumeRootSquash"]),
    ],
)
def test_conditions(probe: ProbeResult, names: list[str]) -> None:
    found = conditions("/workspace", probe)
    assert [condition.name for condition in found] == names
    assert {condition.name for condition in found} <= set(CONDITION_NAMES)
    for condition in found:
        assert "/workspace" in condition.reason
        assert condition.remedy
        assert "\n" not in str(condition)
