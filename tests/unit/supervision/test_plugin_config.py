"""Lines of [rpcinterface:podkeeper]."""

import pytest

from entrypoint.supervision.plugin_config import Section, parse_section


def test_defaults() -> None:
    """No lines: the policy of the issue (1 s to 60 s, reset after 60 s, never giving up), logs last."""
    section = parse_section({})
    assert section == Section()
    assert section.policy == (1.0, 60.0, 0.05, 60.0, 0, 600.0)
    assert section.last == {"logs"}
    assert section.stop_within == 8.0


def test_lines() -> None:
    """Numbers, lists and the folder."""
    section = parse_section({"base": "0.5", "burst": "5", "sweep": "a, b", "runtime": "/run/x", "last": ""})
    assert (section.policy.base, section.policy.burst) == (0.5, 5)
    assert (section.sweep, section.runtime, section.last) == ({"a", "b"}, "/run/x", set())


@pytest.mark.parametrize("line", [("base", "x"), ("cap", "-1"), ("cap", "inf"), ("cap", "nan"), ("burst", "1.5")])
def test_bad_numbers_are_named(line: tuple[str, str]) -> None:
    """The message says which line."""
    with pytest.raises(ValueError, match=line[0]):
        parse_section(dict([line]))


def test_unknown_lines_are_named() -> None:
    """A typo must not silently mean the default."""
    with pytest.raises(ValueError, match="stabel_after"):
        parse_section({"stabel_after": "3"})
    with pytest.raises(ValueError, match="policy"):
        parse_section({"policy": "3"})
