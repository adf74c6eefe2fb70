import pytest

from entrypoint.settings.durations import in_words, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("2h", 7200), ("90s", 90), ("1.5h", 5400), ("2d", 172800), ("10 min", 600), ("8H", 28800),
     ("", 0), ("off", 0), ("0", 0), ("No", 0)],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["30", "-5m", "0m", "m", "1h30m", "1e9h", "9999999h", "\uff11h", "30m\n1", "ten minutes"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a length of time"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (90, "1 min 30 s"), (1800, "30 min"), (1805, "30 min"), (3600, "1 h"),
     (5400, "1 h 30 min"), (180000, "2 d 2 h"), (-3, "0 s")],
)  # fmt: skip
def test_lengths_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
