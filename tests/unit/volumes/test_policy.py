"""VOLUME_POLICY=auto as a truth table."""

import pytest

from entrypoint.settings.users import Powers
from entrypoint.settings.volume_policy import AUTO, GROUP, NONE, OWNER, POLICIES, SHARED, TOP
from entrypoint.volumes.diagnosis import ProbeResult
from entrypoint.volumes.policy import choose_policy

ROOT = Powers(0, dac_override=True, chown=True, fowner=True)
BARE_ROOT = Powers(0, dac_override=False, chown=False, fowner=False)
USER = Powers(1000, dac_override=False, chown=False, fowner=False)
HEALTHY = ProbeResult()


@pytest.mark.parametrize(
    ("service", "powers", "probe", "policy"),
    [
        # an all-root pod with a healthy volume needs the top only
        ((0, 0), ROOT, HEALTHY, TOP),
        ((0, 0), ROOT, ProbeResult(chown_error="EPERM"), TOP),
        ((0, 0), ROOT, ProbeResult(error="ENOSPC"), TOP),
        # services without root's privileges
        ((1000, 1000), ROOT, HEALTHY, OWNER),
        ((1000, 0), ROOT, HEALTHY, OWNER),
        ((1000, 1000), ROOT, ProbeResult(chown_error="EPERM"), SHARED),
        ((1000, 0), ROOT, ProbeResult(chown_error="EPERM"), GROUP),
        ((1000, 1000), ROOT, ProbeResult(chmod_error="EPERM"), TOP),
        # docker run --cap-drop ALL, --user 1000:1000, --user 1000:0 (OpenShift)
        ((0, 0), BARE_ROOT, HEALTHY, GROUP),
        ((1000, 1000), USER, HEALTHY, OWNER),
        ((1000, 0), USER, HEALTHY, GROUP),
        # faults that no mode can fix
        ((0, 0), ROOT, ProbeResult(error="EROFS"), NONE),
        ((1000, 1000), ROOT, ProbeResult(error="HUNG"), NONE),
        ((1000, 1000), ROOT, ProbeResult(error="ESTALE"), NONE),
        ((1000, 1000), ROOT, ProbeResult(error="ENOTCONN"), NONE),
        ((1000, 1000), ROOT, ProbeResult(error="ENOENT"), NONE),
        # with a quota or a full volume modes can still be changed
        ((1000, 1000), ROOT, ProbeResult(error="EDQUOT"), OWNER),
    ],
)
def test_auto(service: tuple[int, int], powers: Powers, probe: ProbeResult, policy: str) -> None:
    assert choose_policy(AUTO, *service, powers, probe).policy == policy


@pytest.mark.parametrize("asked", POLICIES)
def test_a_volume_that_ignores_modes_gets_no_deep_pass(asked: str) -> None:
    """Every pass would find the same changes."""
    assert choose_policy(asked, 1000, 1000, ROOT, ProbeResult(modes_kept=False)).policy == TOP


@pytest.mark.parametrize("asked", [p for p in POLICIES if p != AUTO])
@pytest.mark.parametrize("powers", [ROOT, BARE_ROOT, USER])
def test_an_explicit_policy_is_followed(asked: str, powers: Powers) -> None:
    assert choose_policy(asked, 0, 0, powers, HEALTHY).policy == asked


@pytest.mark.parametrize("asked", POLICIES)
def test_no_pass_over_a_read_only_or_disconnected_volume(asked: str) -> None:
    for error in ("EROFS", "HUNG", "ESTALE", "ENOTCONN"):
        choice = choose_policy(asked, 1000, 1000, ROOT, ProbeResult(error=error))
        assert choice.policy == NONE
        assert "cannot help" in choice.reason
