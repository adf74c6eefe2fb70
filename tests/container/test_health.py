"""HEALTHCHECK, and a ComfyUI that came in by build context."""

from __future__ import annotations

from tests.support.container.engine import Container, running
from tests.support.container.log_check import AT_A_STOP, unexpected
from tests.support.waiting import wait_until

#: Seconds between health checks: the image's interval of 30 s would be long in a test.
OFTEN = ("--health-interval", "1s", "--health-start-period", "2s", "--health-retries", "2")
HEALTH = "{{.State.Health.Status}}|{{range .State.Health.Log}}{{.Output}}|{{end}}"


def wait_for_health(pod: Container, status: str, words: str) -> None:
    def seen() -> bool:
        now, *outputs = pod.inspect(HEALTH).split("|")
        return now == status and any(words in output for output in outputs[-2:])

    wait_until(seen, 60, f"{status}, {words!r}; last {pod.inspect(HEALTH)}", 0.3)


def test_healthy_degraded_and_unhealthy_are_distinguished(image_with_comfyui: str) -> None:
    """Without a GPU a note holds: a pod on the CPU is healthy."""
    with running(image_with_comfyui, *OFTEN) as pod:
        pod.wait_for_log("ComfyUI is up")
        wait_for_health(pod, "healthy", "healthy (NoGpu)")
        pod.run("podkeeper stop comfyui")
        wait_for_health(pod, "healthy", "degraded: ComfyUI does not answer")
        pod.run("podkeeper stop jupyter")
        wait_for_health(pod, "unhealthy", "unhealthy: JupyterLab does not answer, ComfyUI does not answer")
        pod.run("podkeeper start jupyter")
        wait_for_health(pod, "healthy", "degraded: ComfyUI does not answer")


def test_a_healthy_pod_says_healthy_and_nothing_else(image: str) -> None:
    with running(image, *OFTEN, "--env", "COMFYUI_ENABLED=false") as pod:
        wait_for_health(pod, "healthy", "healthy\n")


def test_comfyui_runs_from_its_own_environment_and_ends_cleanly(image_with_comfyui: str) -> None:
    with running(image_with_comfyui) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("ComfyUI is up")
        pod.wait_for_log("  Logs ")
        assert "/opt/comfyui/main.py --listen" in pod.run("cat /var/log/comfyui.log")
        assert "Python (ComfyUI)" in str(pod.jupyter("/api/kernelspecs"))
        code, seconds = pod.stop()
        assert (code, seconds < 10) == (0, True)
        assert "fake: stopped cleanly by SIGINT" in pod.log
        assert unexpected(pod.log, *AT_A_STOP) == []


def test_an_image_without_comfyui_says_what_is_missing(image: str) -> None:
    with running(image) as pod:
        pod.wait_for_jupyter()
        pod.wait_for_log("Problem    ComfyUIMissing: ")
