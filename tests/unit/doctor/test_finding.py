"""The doctor's report: what to fix first, the exit code, the text and the JSON."""

import json

from entrypoint.doctor.finding import (
    Finding,
    as_json,
    as_text,
    exit_code,
    failed,
    first,
    ok,
    skipped,
    warning,
    without_duplicates,
)

WARNED, BAD, WORSE = (
    warning("a", "slow", "wait"),
    failed("b", "gone", "get it"),
    failed("c", "follows", "later"),
)


def test_the_first_failure_in_the_order_of_causes_is_to_be_fixed_first() -> None:
    assert first([ok("x", ""), WARNED, BAD, WORSE]) == BAD
    assert first([ok("x", ""), WARNED]) == WARNED
    assert first([ok("x", ""), skipped("y", "")]) is None


def test_only_a_failure_counts_in_the_exit_code() -> None:
    assert exit_code([ok("x", ""), WARNED, skipped("y", "")]) == 0
    assert exit_code([WARNED, BAD]) == 1


def test_the_text_puts_failures_first_each_with_its_remedy() -> None:
    lines = as_text([ok("x", "fine"), WARNED, BAD]).splitlines()
    assert [line.split()[:2] for line in lines if not line.startswith(" ")][:3] == [
        ["failed", "b"], ["warning", "a"], ["ok", "x"],
    ]  # fmt: skip
    assert lines[1].strip() == "-> get it"
    assert lines[-1] == "1 failed, 1 warning, 1 ok. Fix first: b"


def test_the_json_says_the_same() -> None:
    report = json.loads(as_json([ok("x", "fine"), BAD]))
    assert (report["healthy"], report["first"]["check"]) == (False, "b")
    assert [check["state"] for check in report["checks"]] == ["ok", "failed"]


def test_a_condition_that_a_check_has_found_as_well_is_reported_once() -> None:
    held = Finding("conditions", "failed", "VolumeFull: x", "y", "VolumeFull")
    other = Finding("conditions", "failed", "ComfyUIMissing: x", "y", "ComfyUIMissing")
    duplicate = Finding("volume", "failed", "VolumeFull: x", "y", "VolumeFull")
    assert without_duplicates([duplicate, held, other]) == [duplicate, other]
    assert without_duplicates([held]) == [held]
