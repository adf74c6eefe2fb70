"""Lines of [rpcinterface:podkeeper]."""

import pytest

from entrypoint.supervision.plugin_config import PluginConfig, parse_config


def test_defaults() -> None:
    """No lines: 1 s to 60 s, reset after 60 s, never giving up; logs last."""
    config = parse_config({})
    assert config == PluginConfig()
    assert config.policy == (1.0, 60.0, 0.05, 60.0, 0, 600.0)
    assert config.last == {"logs"}
    assert config.stop_within == 8.0


def test_lines() -> None:
    """Numbers, lists and the folder."""
    config = parse_config({"base": "0.5", "burst": "5", "sweep": "a, b", "runtime": "/run/x", "last": ""})
    assert (config.policy.base, config.policy.burst) == (0.5, 5)
    assert (config.sweep, config.runtime, config.last) == (frozenset({"a", "b"}), "/run/x", frozenset())


@pytest.mark.parametrize("line", [("base", "x"), ("cap", "-1"), ("cap", "inf"), ("cap", "nan"), ("burst", "1.5")])
def test_the_error_names_the_line_with_a_bad_number(line: tuple[str, str]) -> None:
    """Also for infinity and NaN."""
    with pytest.raises(ValueError, match=line[0]):
        parse_config(dict([line]))


def test_the_error_names_an_unknown_line() -> None:
    """A typo must not silently keep the default."""
    with pytest.raises(ValueError, match="stabel_after"):
        parse_config({"stabel_after": "3"})
    with pytest.raises(ValueError, match="policy"):
        parse_config({"policy": "3"})
