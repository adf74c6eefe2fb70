"""A: as whom this process runs and what the kernel lets it do."""

import os

from entrypoint.volumes.choice import Powers
from entrypoint.volumes.owner import Identity

# Bits of CapEff, capabilities(7).
_CAP_CHOWN, _CAP_DAC_OVERRIDE, _CAP_FOWNER, _CAP_SETGID, _CAP_SETUID = 0, 1, 3, 6, 7


def own_identity() -> Identity:
    return Identity(os.geteuid(), os.getegid())


def powers(status_file: str = "/proc/self/status") -> Powers:
    """Root without /proc is taken for root with every capability: a refused call is counted, not fatal."""
    uid = os.geteuid()
    effective = _effective_capabilities(status_file, otherwise=0 if uid else ~0)
    return Powers(
        uid,
        dac_override=bool(effective >> _CAP_DAC_OVERRIDE & 1),
        chown=bool(effective >> _CAP_CHOWN & 1),
        fowner=bool(effective >> _CAP_FOWNER & 1),
        change_user=bool(effective >> _CAP_SETGID & effective >> _CAP_SETUID & 1),
    )


def _effective_capabilities(status_file: str, otherwise: int) -> int:
    try:
        with open(status_file, "rb") as lines:
            for line in lines:
                if line.startswith(b"CapEff:"):
                    return int(line.split()[1], 16)
    except OSError:
        pass
    return otherwise
