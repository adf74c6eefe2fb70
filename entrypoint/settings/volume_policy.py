"""P: the words of VOLUME_POLICY, and the umask that goes with each."""

from __future__ import annotations

TOP, OWNER, GROUP, SHARED = "top", "owner", "group", "shared"
AUTO, NONE = "auto", "none"
POLICIES = (AUTO, TOP, OWNER, GROUP, SHARED)

_UMASKS = {SHARED: 0o000, GROUP: 0o002}
_USUAL_UMASK = 0o022


def umask_for(policy: str, asked: str) -> int:
    """UMASK, or the one that makes new files right under `policy`, so that a later pass finds nothing to do."""
    return int(asked, 8) if asked else _UMASKS.get(policy, _USUAL_UMASK)
