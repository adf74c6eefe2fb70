"""What the canary saw becomes conditions: a table."""

import pytest

from entrypoint.volumes.diagnosis import CONDITION_NAMES, Probe, conditions

ROOM = 10 << 30


@pytest.mark.parametrize(
    ("probe", "names"),
    [
        (Probe(), []),
        (Probe(error="EROFS", step="create"), ["VolumeReadOnly"]),
        (Probe(error="ENOSPC", free_bytes=0), ["VolumeFull"]),
        (Probe(error="ENOSPC", free_bytes=ROOM, free_inodes=0), ["VolumeFull"]),
        (Probe(error="ENOSPC", free_bytes=ROOM, free_inodes=5), ["VolumeQuota"]),
        (Probe(error="ENOSPC", free_bytes=ROOM, free_inodes=None), ["VolumeQuota"]),
        (Probe(error="EDQUOT", free_bytes=ROOM), ["VolumeQuota"]),
        (Probe(error="EPERM", dac_override=True), ["VolumeRootSquash"]),
        (Probe(error="EACCES", uid=1000), ["VolumeNotWritable"]),
        (Probe(error="EACCES", uid=0, dac_override=False), ["VolumeNotWritable"]),
        (Probe(error="ESTALE"), ["VolumeStale"]),
        (Probe(error="ENOTCONN"), ["VolumeStale"]),
        (Probe(error="HUNG"), ["VolumeHung"]),
        (Probe(error="DIED"), ["VolumeError"]),
        (Probe(error="EIO"), ["VolumeError"]),
        (Probe(error="EMFILE"), ["VolumeError"]),
        (Probe(error="ENOENT"), ["VolumeMissing"]),
        (Probe(noexec=True), ["VolumeNoExec"]),
        (Probe(chown_error="EPERM"), ["VolumeRootSquash"]),
        (Probe(owner_kept=False), ["VolumeRootSquash"]),
        (Probe(chmod_error="EPERM"), ["VolumeModesIgnored"]),
        (Probe(modes_kept=False), ["VolumeModesIgnored"]),
        # several at once, the gravest first, each once
        (Probe(error="EROFS", noexec=True), ["VolumeReadOnly", "VolumeNoExec"]),
        (Probe(error="EPERM", dac_override=True, chown_error="EPERM"), ["VolumeRootSquash"]),
    ],
)
def test_conditions(probe, names):
    found = conditions("/workspace", probe)
    assert [condition.name for condition in found] == names
    assert {condition.name for condition in found} <= set(CONDITION_NAMES)
    for condition in found:
        assert "/workspace" in condition.reason
        assert condition.remedy
        assert "\n" not in str(condition)
