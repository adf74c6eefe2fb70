"""restarts.json and programs.json."""

from pathlib import Path

import pytest

from entrypoint.supervision.exits import Reason
from entrypoint.supervision.journal import Journal
from entrypoint.system.files import read_json

HUNG = Reason("hang", "hung")


def journal(folder: Path, keep: int = 3) -> tuple[Journal, list[str]]:
    warnings: list[str] = []
    return Journal(str(folder), keep, warnings.append), warnings


def numbers(folder: Path) -> list[int]:
    return [entry["number"] for entry in read_json(str(folder / "restarts.json"))["restarts"]]


def test_the_last_restarts_are_kept_across_a_reboot(tmp_path: Path) -> None:
    """A second supervisord in the same folder continues the list; the oldest entries are dropped."""
    first, _ = journal(tmp_path)
    for number in (1, 2):
        first.add_restart("x", number, HUNG, 1.5, 0.0)
    second, warnings = journal(tmp_path)
    for number in (3, 4):
        second.add_restart("x", number, HUNG, 1.5, None)
    assert numbers(tmp_path) == [2, 3, 4]
    last = read_json(str(tmp_path / "restarts.json"))["restarts"][-1]
    assert {k: last[k] for k in ("program", "kind", "reason", "uptime", "delay")} == {
        "program": "x", "kind": "hang", "reason": "hung", "uptime": 1.5, "delay": None,
    }  # fmt: skip
    assert warnings == []


@pytest.mark.parametrize("text", ["", "[]", '{"restarts": 3}'])
def test_a_broken_restarts_json_is_replaced(tmp_path: Path, text: str) -> None:
    """It must not prevent a restart."""
    (tmp_path / "restarts.json").write_text(text)
    journal(tmp_path)[0].add_restart("x", 1, HUNG, 0, 0)
    assert numbers(tmp_path) == [1]


def test_a_failing_disk_is_logged_once(tmp_path: Path) -> None:
    """Not at every restart."""
    broken, warnings = journal(tmp_path / "missing")
    for number in range(3):
        broken.add_restart("x", number, HUNG, 0, 0)
    assert len(warnings) == 1


def test_no_folder_no_files() -> None:
    """Without a runtime folder the journal is off."""
    warnings: list[str] = []
    silent = Journal("", 3, warnings.append)
    silent.add_restart("x", 1, HUNG, 0, 0)
    silent.write_programs({})
    assert warnings == []
