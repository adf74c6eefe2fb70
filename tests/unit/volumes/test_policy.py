"""VOLUME_POLICY=auto as a truth table."""

import pytest

from entrypoint.settings.users import Powers
from entrypoint.settings.volume_policy import AUTO, GROUP, NONE, OWNER, POLICIES, SHARED, TOP
from entrypoint.volumes.diagnosis import Probe
from entrypoint.volumes.policy import choose_policy

ROOT = Powers(0, dac_override=True, chown=True, fowner=True)
BARE_ROOT = Powers(0, dac_override=False, chown=False, fowner=False)
USER = Powers(1000, dac_override=False, chown=False, fowner=False)
WELL = Probe()


@pytest.mark.parametrize(
    ("service", "powers", "probe", "policy"),
    [
        # an all-root pod with a healthy volume needs the top only
        ((0, 0), ROOT, WELL, TOP),
        ((0, 0), ROOT, Probe(chown_error="EPERM"), TOP),
        ((0, 0), ROOT, Probe(error="ENOSPC"), TOP),
        # services without root's power
        ((1000, 1000), ROOT, WELL, OWNER),
        ((1000, 0), ROOT, WELL, OWNER),
        ((1000, 1000), ROOT, Probe(chown_error="EPERM"), SHARED),
        ((1000, 0), ROOT, Probe(chown_error="EPERM"), GROUP),
        ((1000, 1000), ROOT, Probe(chmod_error="EPERM"), TOP),
        # docker run --cap-drop ALL, --user 1000:1000, --user 1000:0 (OpenShift)
        ((0, 0), BARE_ROOT, WELL, GROUP),
        ((1000, 1000), USER, WELL, OWNER),
        ((1000, 0), USER, WELL, GROUP),
        # nothing a mode could cure
        ((0, 0), ROOT, Probe(error="EROFS"), NONE),
        ((1000, 1000), ROOT, Probe(error="HUNG"), NONE),
        ((1000, 1000), ROOT, Probe(error="ESTALE"), NONE),
        ((1000, 1000), ROOT, Probe(error="ENOTCONN"), NONE),
        ((1000, 1000), ROOT, Probe(error="ENOENT"), NONE),
        # quota and space leave modes changeable
        ((1000, 1000), ROOT, Probe(error="EDQUOT"), OWNER),
    ],
)
def test_auto(service, powers, probe, policy):
    assert choose_policy(AUTO, *service, powers, probe).policy == policy


@pytest.mark.parametrize("asked", POLICIES)
def test_a_volume_that_ignores_modes_gets_no_deep_pass(asked):
    """It would find the same to change every time."""
    assert choose_policy(asked, 1000, 1000, ROOT, Probe(modes_kept=False)).policy == TOP


@pytest.mark.parametrize("asked", [p for p in POLICIES if p != AUTO])
@pytest.mark.parametrize("powers", [ROOT, BARE_ROOT, USER])
def test_what_is_asked_for_is_done(asked, powers):
    assert choose_policy(asked, 0, 0, powers, WELL).policy == asked


@pytest.mark.parametrize("asked", POLICIES)
def test_no_pass_over_a_volume_that_is_read_only_or_gone(asked):
    for error in ("EROFS", "HUNG", "ESTALE", "ENOTCONN"):
        choice = choose_policy(asked, 1000, 1000, ROOT, Probe(error=error))
        assert choice.policy == NONE
        assert "cannot help" in choice.why
