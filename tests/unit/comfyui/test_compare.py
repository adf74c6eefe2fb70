"""A start of another version of ComfyUI, beside the one that runs."""

from __future__ import annotations

import pytest

from entrypoint.comfyui.versions.compare import Trial, outcome, refusal
from entrypoint.nodes.import_log import ImportReport

NOW = ImportReport({"A": 0.1, "B": 0.1}, {"C": "was broken before"})


@pytest.mark.parametrize(
    ("trial", "anyway", "words"),
    [
        (Trial("exit 1"), True, "ComfyUI v2 does not start: exit 1"),
        (Trial("", 5, ImportReport({"A": 0.1, "B": 0.1}, {})), False, ""),
        (Trial("", 5, ImportReport({"A": 0.1}, {"B": "no module x"})), False, "B (no module x)"),
        (Trial("", 5, ImportReport({"A": 0.1}, {"B": "no module x"})), True, ""),
        (Trial("", 5, ImportReport({"A": 0.1, "B": 0.1}, {"C": "still"})), False, ""),
    ],
)
def test_a_version_is_refused_that_does_not_start_or_loses_nodes(trial: Trial, anyway: bool, words: str) -> None:
    found = refusal("v2", NOW, trial, anyway=anyway)
    assert words in found
    assert bool(words) == bool(found)


def test_the_outcome_names_lost_nodes() -> None:
    text = outcome(Trial("", 7, ImportReport({"A": 0.1}, {"B": ""})), {"B": ""})
    assert text == "it responds, with 7 types of nodes, 1 custom nodes, without B"
