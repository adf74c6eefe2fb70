"""The umask of each volume policy."""

import pytest

from entrypoint.settings.volume_policy import GROUP, OWNER, SHARED, TOP, umask_for


@pytest.mark.parametrize(
    ("policy", "asked", "mask"),
    [
        (TOP, "", 0o022),
        ("auto", "", 0o022),
        (OWNER, "", 0o022),
        (GROUP, "", 0o002),
        (SHARED, "", 0),
        (SHARED, "027", 0o027),
    ],
)
def test_the_umask_of_each_policy(policy: str, asked: str, mask: int) -> None:
    assert umask_for(policy, asked) == mask
