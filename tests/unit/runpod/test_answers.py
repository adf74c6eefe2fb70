"""Responses of RunPod's API, as its documentation and its own clients show them."""

from __future__ import annotations

from typing import Any

import pytest

from entrypoint.runpod.answers import Pod, Trouble, graphql_data, pause, pod_of, trouble_of

DATE = "Thu, 26 Nov 2026 06:00:00 GMT"
#: The documentation's example: https://docs.runpod.io/api-reference/pods/GET/pods/podId
DOCUMENTED = {
    "adjustedCostPerHr": 0.69, "costPerHr": "0.74", "desiredStatus": "RUNNING", "id": "xedezhzb9la3ye",
    "interruptible": False, "lastStartedAt": "2026-11-26T05:14:40.144Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pod"),
    [
        (DOCUMENTED, Pod(0.69, 2719.856, "RUNNING", False)),
        (DOCUMENTED | {"adjustedCostPerHr": None}, Pod(0.74, 2719.856, "RUNNING", False)),
        (DOCUMENTED | {"interruptible": True, "lastStartedAt": ""}, Pod(0.69, None, "RUNNING", True)),
        (DOCUMENTED | {"lastStartedAt": "2027-01-01T00:00:00Z"}, Pod(0.69, None, "RUNNING", False)),
        (DOCUMENTED | {"lastStartedAt": "last year"}, Pod(0.69, None, "RUNNING", False)),
        ({"costPerHr": 0.34, "desiredStatus": "EXITED", "podType": "INTERRUPTABLE", "runtime": {"uptimeInSeconds": 90}},
         Pod(0.34, 90.0, "EXITED", True)),
        ({"costPerHr": 0.34, "runtime": None}, Pod(0.34)),
        (None, Pod()), ([], Pod()), ({"costPerHr": -1}, Pod()), ({"costPerHr": "free"}, Pod()),
        ({"costPerHr": True, "adjustedCostPerHr": float("nan")}, Pod()), ({"costPerHr": 1e9}, Pod()),
    ],
)  # fmt: skip
def test_the_pod_in_a_response(body: Any, pod: Pod) -> None:
    assert pod_of(body, DATE) == pod


def test_a_response_without_a_date_says_no_age() -> None:
    assert pod_of(DOCUMENTED, "").age is None


@pytest.mark.parametrize(
    ("status", "body", "temporary", "words"),
    [
        (401, {"error": "unauthorized"}, False, "it refuses the pod's key (401): unauthorized"),
        (403, None, False, "it refuses the pod's key (403)"),
        (404, {"message": "pod not found"}, False, "it does not know this pod (404): pod not found"),
        (429, {}, True, "it asks for fewer requests (429)"),
        (500, {"detail": "a\nb"}, True, "it fails (500): a b"),
        (503, [], True, "it fails (503)"),
        (400, {"error": "x" * 999}, False, "it fails (400): " + "x" * 200),
        (302, None, False, "it fails (302)"),
    ],
)
def test_failures(status: int, body: Any, temporary: bool, words: str) -> None:
    trouble = trouble_of(status, body)
    assert (str(trouble), trouble.temporary) == (words, temporary)


def test_no_response_is_temporary() -> None:
    assert Trouble("x").temporary


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("", 0), ("soon", 0), ("99999", 300), ("²", 0), ("-1", 0)])
def test_retry_after(text: str, seconds: float) -> None:
    assert trouble_of(429, None, text).after == seconds


def test_pauses_double_up_to_a_minute_and_heed_what_is_asked() -> None:
    assert [pause(attempt, 0) for attempt in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pause(0, 45) == 45
    assert pause(10**6, 0) == 60


def test_graphql_fails_with_status_200() -> None:
    assert graphql_data({"data": {"podStop": {"id": "a"}}}, "podStop") == {"id": "a"}
    assert graphql_data({"data": {"podTerminate": None}}, "podTerminate") is None
    bodies: tuple[Any, ...] = ({"errors": [{"message": "no\tright"}]}, {"errors": ["x"]}, {"data": None}, {}, None, [])
    for body in bodies:
        with pytest.raises(Trouble):
            graphql_data(body, "podStop")
