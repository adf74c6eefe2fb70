"""Every claim of docs/security.md names a test that exists."""

import re

from tests.support.checkout import ROOT


def test_every_test_that_the_threat_model_names_exists() -> None:
    text = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", text)
    assert len(named) > 20
    for path, test in named:
        assert (ROOT / path).exists(), path
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(), f"{path}::{test}"


def test_every_claim_of_the_threat_model_names_a_test() -> None:
    rows = re.findall(r"(?m)^\|(.+)\|$", (ROOT / "docs/security.md").read_text())
    claims = [row for row in rows if not re.match(r"[\s|-]*$|\s*(Threat|Who)\s*\|", row)]
    assert len(claims) > 20
    assert [row for row in claims if "`tests/" not in row and "the same" not in row] == []
