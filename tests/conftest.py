"""What all tests share: how pytest-xdist distributes them (scripts/test)."""

from __future__ import annotations

import pytest

from tests.support.side_by_side import ByFile


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """xdist's own `--dist loadgroup` would add the group to a test's name, by which `--last-failed` finds it."""
    return ByFile(config, log)
