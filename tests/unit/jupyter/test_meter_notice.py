from dataclasses import replace

from entrypoint.jupyter.meter_notice import notice
from tests.support.meters import meter

SOON = meter(state="soon", limit="idle", stop_at=1_000_000.0, action="stop")


def test_the_countdown_is_told_with_a_button() -> None:
    found = notice(SOON, 20.0)
    assert found["keep"]
    assert found["at"] == 1_000_000.0
    assert "This pod is stopped at {at}, because" in found["text"]
    assert "nothing has happened" in found["text"]


def test_a_hard_limit_has_no_button() -> None:
    found = notice(replace(SOON, limit="run", action="terminate"), 20.0)
    assert not found["keep"]
    assert "terminated, with its volume disk" in found["text"]


def test_nothing_is_told_while_the_pod_is_busy_idle_or_kept() -> None:
    for state in ("busy", "idle", "kept", ""):
        assert notice(replace(SOON, state=state), 20.0) == {"every": 20.0, "text": "", "at": 0.0, "keep": False}
    assert notice(None, 20.0)["text"] == ""


def test_without_a_limit_jupyterlab_need_not_ask_again() -> None:
    assert notice(SOON, 0.0) == {"every": 0.0, "text": "", "at": 0.0, "keep": False}
