"""What all tests share: how pytest-xdist distributes them (scripts/test), and Hypothesis' settings."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support.side_by_side import ByFile

# By the clock on the wall, of which a busy machine takes more than the 200 ms that Hypothesis gives an example. That
# patterns take linear time is tested by the processor's time (tests/contract/test_patterns.py).
settings.register_profile("podkeeper", deadline=None)
settings.load_profile("podkeeper")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """xdist's own `--dist loadgroup` would add the group to a test's name, by which `--last-failed` finds it."""
    return ByFile(config, log)
