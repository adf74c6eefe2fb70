"""rclone's messages, as rclone 1.60 prints them."""

from __future__ import annotations

import pytest

from entrypoint.outputs.problems import problem_of

MESSAGES = {
    "Failed to copy: AccessDenied: Access Denied.\n\tstatus code: 403, request id: 3KQ, host id: x/y=": "credentials",
    "error listing: Forbidden: Forbidden status code: 403, request id: , host id: ": "credentials",
    "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.": "credentials",
    "couldn't fetch token: invalid_grant: maybe token expired? - try refreshing with `rclone config reconnect`":
        "credentials",
    "Failed to copy: NoSuchBucket: The specified bucket does not exist": "the bucket or folder",
    "Failed to create file system for \"x:out\": didn't find section in config file": "no remote of that name",
    "Failed to copy: googleapi: Error 403: The user's Drive storage quota has been exceeded.": "has no room",
    "Failed to copy: QuotaExceeded: quota status code: 403": "has no room",
    "Failed to copy: write /x: no space left on device": "has no room",
    "SlowDown: Please reduce your request rate status code: 503, request id: 1": "busy or broken",
    "RequestError: send request failed caused by: dial tcp: lookup s3.example: no such host": "cannot be reached",
    "Put \"https://a/b\": read tcp 10.0.0.2:43210->1.2.3.4:443: read: connection reset by peer": "cannot be reached",
    "Put \"https://a/b\": x509: certificate signed by unknown authority": "cannot be reached",
    "Failed to copy: immutable file modified": "another program has just written",
    "AuthorizationHeaderMalformed: the region 'us-east-1' is wrong; expecting 'eu-west-1' status code: 400":
        "another region",
    "something that is not in the table": "rclone: something that is not in the table",
    "": "rclone failed without a word",
}  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_has_a_meaning_and_a_remedy(message: str) -> None:
    found = problem_of(message)
    assert MESSAGES[message] in found.reason
    assert found.remedy


def test_the_same_failure_reads_the_same_at_every_attempt() -> None:
    first, second = (
        problem_of(
            f"2026/11/26 06:07:0{n} AccessDenied: read tcp 10.0.0.2:{n}->1.2.3.4:443 request id: {n}X, host id: {n}"
        )
        for n in (1, 2)
    )
    assert first == second
    assert "X" not in first.reason
