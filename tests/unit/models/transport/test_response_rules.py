"""What a response means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from entrypoint.models.errors import DownloadError, RetryableError
from entrypoint.models.transport.response_rules import check_status, retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "signed", "outcome"),
    [
        (200, False, "go"),
        (206, True, "go"),
        (408, False, "retry"),
        (425, False, "retry"),
        (429, False, "retry"),
        (500, False, "retry"),
        (503, True, "retry"),
        (401, False, "LoginNeeded"),
        (403, False, "Forbidden"),
        (404, False, "NotFound"),
        (410, False, "NotFound"),
        (405, False, "Refused"),
        (416, False, "Refused"),
        (451, False, "Refused"),
        (401, True, "resolve"),
        (403, True, "resolve"),
        (404, True, "resolve"),
        (416, True, "resolve"),
        (304, True, "resolve"),
    ],
)
def test_what_a_status_means(status: int, signed: bool, outcome: str) -> None:
    found = "go"
    try:
        check_status(status, CIMultiDict(), signed=signed, now=NOW)
    except RetryableError as error:
        found = "resolve" if error.resolve else "retry"
    except DownloadError as error:
        found = error.name
    assert found == outcome


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 02:01:00 +0200", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 40, 999999999.0),
    ],
)
def test_both_forms_of_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds
