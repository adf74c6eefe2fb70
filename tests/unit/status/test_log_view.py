"""The end of a log as the page shows it."""

from pathlib import Path

import pytest

from entrypoint.status.log_view import LONGEST_LINE, existing_logs, readable, view
from entrypoint.system.redaction import Redactor

REDACTOR = Redactor(["s3cret-token"])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]0;title\x1b\\x", "x"),
        (" 10%|#   |\r 50%|##  |\r100%|####|", "100%|####|"),
        ("windows\r", "windows"),
        ("bell\x07", "bell\N{REPLACEMENT CHARACTER}"),
        ("\ttab", "\ttab"),
    ],
)
def test_a_line_is_what_a_terminal_shows_in_the_end(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_the_last_lines_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("one\ntwo\nlogin s3cret-token\n")
    found = view(str(path), "", 2, REDACTOR)
    assert found.lines == ["two", "login [secret]"]
    assert found.left_out == 1
    assert view(str(path), "", 0, REDACTOR).lines == ["login [secret]"]


def test_search_is_in_any_case_and_through_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("An ERROR at the start\n" + "filling\n" * 100_000 + "unfinished error")
    found = view(str(path), "error", 10, REDACTOR)
    assert found.lines == ["An ERROR at the start", "unfinished error"]
    assert view(str(path), "", 1000, REDACTOR).lines[0] == "filling"  # never half a line


def test_a_long_line_is_cut_and_shows_no_part_of_a_secret_at_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    for length in range(2 * LONGEST_LINE - 12, 2 * LONGEST_LINE + 1):
        path.write_text("x" * length + "s3cret-token" + "y" * 100_000)
        (line,) = view(str(path), "", 9, REDACTOR).lines
        assert line == "x" * (len(line) - 3) + "..."
        assert len(line) <= LONGEST_LINE + 3


def test_the_mark_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("a\n")
    before = view(str(path), "", 9, REDACTOR).mark
    assert view(str(path), "", 9, REDACTOR).mark == before
    path.write_text("a\nb\n")
    assert view(str(path), "", 9, REDACTOR).mark != before


def test_bytes_that_are_not_text_do_not_break_the_view(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"\xff\xfe\x00\n")
    assert len(view(str(path), "", 9, REDACTOR).lines) == 1


def test_only_the_pods_own_logs_are_offered(tmp_path: Path) -> None:
    for name in ("jupyter.log", "dpkg.log", "podkeeper-prober.log", "supervisord.log", "podkeeper-x.log"):
        (tmp_path / name).write_text("")
    found = existing_logs(str(tmp_path))
    assert list(found) == ["jupyter", "prober", "pod"]  # the page shows the first one
    assert found == {
        "jupyter": ("JupyterLab", "jupyter.log"),
        "prober": ("Prober", "podkeeper-prober.log"),
        "pod": ("supervisord", "supervisord.log"),
    }
