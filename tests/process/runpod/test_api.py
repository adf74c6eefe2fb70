"""Requests to a stand-in for RunPod's API, with every fault of a real one; and a stop whose clock is the test's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from entrypoint.runpod.answers import Trouble
from entrypoint.runpod.api import Api
from entrypoint.runpod.stop import CALLED_OFF, EFFECT_S, LONGEST_S, Programs, Stop
from tests.support.runpod_api import KEY, POD, Fault, RunPod, runpod_api


@pytest.fixture
def runpod() -> Iterator[RunPod]:
    with runpod_api() as made:
        yield made


def api(runpod: RunPod, key: str = KEY, timeout: float = 5.0) -> Api:
    return Api(runpod.url, POD, key, timeout)


def test_the_price_and_the_age_are_runpods(runpod: RunPod) -> None:
    pod = api(runpod).get()
    assert (pod.price, pod.status, pod.spot) == (0.74, "RUNNING", False)
    assert pod.age is not None
    assert abs(pod.age - 3600) < 2


def test_a_wrong_clock_of_this_machine_does_not_matter(runpod: RunPod) -> None:
    runpod.clock = -40 * 86400.0
    age = api(runpod).get().age
    assert age is not None
    assert abs(age - 3600) < 2


def test_stop_and_terminate(runpod: RunPod) -> None:
    api(runpod).stop()
    assert runpod.status == "EXITED"
    api(runpod).terminate()
    assert runpod.status == "TERMINATED"
    assert runpod.asked == [f"POST /v1/pods/{POD}/stop", f"DELETE /v1/pods/{POD}"]


def test_a_key_that_rest_refuses_is_used_with_graphql(runpod: RunPod) -> None:
    runpod.refuse, runpod.spot = ("rest",), True
    pod = api(runpod).get()
    assert (pod.price, pod.age, pod.spot) == (0.74, 3600.0, True)
    api(runpod).stop()
    assert runpod.status == "EXITED"
    api(runpod).terminate()
    assert runpod.status == "TERMINATED"


def test_a_key_that_both_refuse_is_told_as_rests_status(runpod: RunPod) -> None:
    with pytest.raises(Trouble, match=r"refuses the pod's key \(401\): unauthorized") as caught:
        api(runpod, key="wrong").stop()
    assert not caught.value.temporary
    assert runpod.status == "RUNNING"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(429, {"error": "slow down"}, {"Retry-After": "7"}), "fewer requests"),
        (Fault(500, "<html>oops</html>"), "it fails (500)"),
        (Fault(503, None), "it fails (503)"),
        (Fault(0), "it cannot be reached"),
        (Fault(200, {}, delay=1.0), "no response in time"),
    ],
)
def test_what_may_succeed_later(runpod: RunPod, fault: Fault, words: str) -> None:
    runpod.faults = [fault]
    with pytest.raises(Trouble) as caught:
        api(runpod, timeout=0.5).get()
    assert caught.value.temporary
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.after == (7 if fault.status == 429 else 0)


def test_a_redirect_does_not_carry_the_key_elsewhere(runpod: RunPod) -> None:
    with runpod_api() as elsewhere:
        runpod.faults = [Fault(307, None, {"Location": f"{elsewhere.url}/pods/{POD}"})]
        with pytest.raises(Trouble, match="307"):
            api(runpod).get()
        assert elsewhere.asked == []


def test_nothing_listens() -> None:
    with pytest.raises(Trouble, match="cannot be reached") as caught:
        Api("http://127.0.0.1:9/v1", POD, KEY).get()
    assert caught.value.temporary


@dataclass
class Clock:
    """Sleeps without waiting."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    while_asleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        self.while_asleep()


class Services(Programs):
    """supervisord's programs, in memory."""

    def __init__(self, *names: str) -> None:
        self.running, self.history = list(names), []  # type: ignore[var-annotated]

    def active(self) -> list[str]:
        return list(self.running)

    def stop(self, names: list[str]) -> None:
        self.history.append(("stop", *names))
        self.running = [each for each in self.running if each not in names]

    def start(self, names: list[str]) -> None:
        self.history.append(("start", *names))
        self.running += names


class Ended(Exception):
    """RunPod ends this container."""


def always() -> bool:
    return True


def attempt(
    runpod: RunPod,
    services: Services,
    clock: Clock,
    action: str = "stop",
    key: str = KEY,
    wanted: Callable[[], bool] = always,
) -> str:
    noted: list[list[str]] = []
    return Stop(
        api(runpod, key, 0.5), action, services, noted.append, lambda line: None, wanted, clock.sleep, lambda: clock.now
    ).run([])


def ends(runpod: RunPod) -> Clock:
    """A clock on which RunPod ends the container once the pod is stopped."""

    def check() -> None:
        if runpod.status != "RUNNING":
            raise Ended

    return Clock(while_asleep=check)


def services() -> Services:
    return Services("jupyter", "comfyui", "status", "gateway", "meter", "runpod", "logs", "prober", "models", "sshd")


@pytest.mark.parametrize("action", ["stop", "terminate"])
def test_the_services_are_stopped_first_and_the_page_stays_up(runpod: RunPod, action: str) -> None:
    at_stop = services()
    with pytest.raises(Ended):
        attempt(runpod, at_stop, ends(runpod), action)
    assert at_stop.history == [("stop", "jupyter", "comfyui", "models")]
    assert {"status", "gateway", "logs"} <= set(at_stop.running)


def test_faults_are_retried_with_longer_pauses_and_as_the_api_asks(runpod: RunPod) -> None:
    runpod.faults = [Fault(500), Fault(0), Fault(429, None, {"Retry-After": "40"}), Fault(200, runpod.pod())]
    clock = ends(runpod)
    with pytest.raises(Ended):
        attempt(runpod, services(), clock)
    assert [round(each) for each in clock.slept if each >= 1] == [1, 2, 40, EFFECT_S]


def test_a_key_that_is_refused_leaves_the_services_alone(runpod: RunPod) -> None:
    left = services()
    problem = attempt(runpod, left, Clock(), key="wrong")
    assert "refuses the pod's key (401)" in problem
    assert left.history == []


def test_a_stop_that_is_refused_after_the_services_were_stopped_starts_them_again(runpod: RunPod) -> None:
    """The key may read the pod and not stop it."""
    back = services()
    # By REST, then by GraphQL.
    runpod.faults = [Fault(200, runpod.pod()), Fault(403, {"error": "no"}), Fault(200, {"errors": [{"message": "no"}]})]
    problem = attempt(runpod, back, Clock())
    assert "refuses the pod's key (403): no" in problem
    assert back.history[-1] == ("start", "jupyter", "comfyui", "models")


def test_a_stop_without_effect_is_asked_for_again_and_then_told(runpod: RunPod) -> None:
    runpod.deaf = True
    back, clock = services(), Clock()
    problem = attempt(runpod, back, clock)
    assert "and the pod still runs" in problem
    assert runpod.asked.count(f"POST /v1/pods/{POD}/stop") == 3
    assert set(back.running) >= {"jupyter", "comfyui", "models"}


def test_an_api_that_is_down_is_given_up_and_the_services_run_again(runpod: RunPod) -> None:
    back, clock = services(), Clock()
    runpod.faults = [Fault(200, runpod.pod()), *(Fault(500) for _ in range(40))]
    assert "it fails (500)" in attempt(runpod, back, clock)
    assert clock.now <= LONGEST_S + 60
    assert set(back.running) >= {"jupyter", "comfyui", "models"}


def test_an_attempt_that_was_killed_is_gone_on_with(runpod: RunPod) -> None:
    """The services are stopped already; where the stop then fails, they are started."""
    back = Services("status", "gateway")
    runpod.deaf = True
    Stop(
        api(runpod), "stop", back, lambda names: None, lambda line: None, always, Clock().sleep, lambda: 0.0
    ).run(["jupyter"])  # fmt: skip
    assert "jupyter" in back.running


def test_a_stop_that_is_called_off_while_the_api_is_down_leaves_the_services_alone(runpod: RunPod) -> None:
    runpod.faults = [Fault(500) for _ in range(40)]
    left, clock = services(), Clock()
    assert attempt(runpod, left, clock, wanted=lambda: clock.now < 20) == CALLED_OFF
    assert left.history == []
    assert runpod.status == "RUNNING"


def test_a_stop_that_is_called_off_later_starts_the_services_again(runpod: RunPod) -> None:
    runpod.faults = [Fault(200, runpod.pod()), *(Fault(500) for _ in range(40))]
    back, clock = services(), Clock()
    assert attempt(runpod, back, clock, wanted=lambda: clock.now < 20) == CALLED_OFF
    assert back.history[-1] == ("start", "jupyter", "comfyui", "models")
    assert runpod.status == "RUNNING"
