"""The banner in the container's log at the end of a start."""

from entrypoint.boot.banner import State, banner, ssh_text
from entrypoint.conditions.condition import Condition
from entrypoint.settings.paths import Facts, Paths, locate
from entrypoint.settings.services import service_named
from entrypoint.settings.settings import Settings

JUPYTER, COMFYUI, STATUS = map(service_named, ("jupyter", "comfyui", "status"))


def paths_of(settings: Settings, *mounts: str) -> Paths:
    return locate(settings, Facts(mounts=frozenset(mounts), uid=0, temporary="/tmp", python="/usr/bin/python3"))


def text_of(settings: Settings, states: list[State], *conditions: Condition, mounts: tuple[str, ...] = ()) -> str:
    urls = {service.name: service.url(settings, "tok/en") for service in (JUPYTER, COMFYUI)}
    return banner(states, urls, settings, paths_of(settings, *mounts), list(conditions), {})


def test_the_login_address_is_complete_and_safe_in_a_url() -> None:
    assert JUPYTER.url(Settings(pod_id="abc"), "t/k&n") == ("https://abc-8189.proxy.runpod.net/lab?token=t%2Fk%26n")
    assert JUPYTER.url(Settings(), "") == "http://localhost:8189/lab"
    assert STATUS.url(Settings(), "t&k") == "http://localhost:8190/?token=t%26k"
    assert STATUS.url(Settings(), "") == "http://localhost:8190/"
    assert COMFYUI.url(Settings(), "t/k") == "http://localhost:8188/?token=t%2Fk"


def test_an_address_without_a_login_has_no_token_in_it() -> None:
    assert COMFYUI.url(Settings(comfyui_auth="none"), "tok") == "http://localhost:8188/"
    assert JUPYTER.url(Settings(jupyter_auth="none"), "tok") == "http://localhost:8189/lab"
    assert COMFYUI.url(Settings(comfyui_internal_port=8188), "tok") == "http://localhost:8188/"


def test_the_banner_lists_ready_services_late_services_and_problems() -> None:
    text = text_of(
        Settings(),
        [State(JUPYTER, 1.25, True), State(COMFYUI, None, True)],
        Condition("NoGpu", "no GPU", "start with one"),
    )
    assert "JupyterLab http://localhost:8189/lab?token=tok%2Fen  (up after 1.2 s)" in text
    assert "ComfyUI    does not answer yet" in text
    assert "Problem    NoGpu: no GPU; start with one" in text


def test_the_banner_says_where_the_data_is_and_whether_it_persists() -> None:
    up = [State(JUPYTER, 1.0, True), State(COMFYUI, None, False)]
    assert "/comfyui -> /workspace/comfyui (on the volume)" in text_of(
        Settings(ssh_enabled=False), up, mounts=("/workspace",)
    )
    assert "/comfyui (no volume: gone when the container is removed)" in text_of(Settings(ssh_enabled=False), up)
    assert "Data       /srv/pod/comfyui\n" in text_of(Settings(home="/srv/pod"), up)
    assert "ComfyUI    switched off" in text_of(Settings(ssh_enabled=False), up)


def test_the_banner_says_how_to_come_in_by_ssh_where_sshd_runs() -> None:
    up = [State(JUPYTER, 1.0, True)]
    assert "SSH        port 22, as root, with a key of PUBLIC_KEY\n" in text_of(Settings(), up)
    down = Condition("SshUnavailable", "no key", "set one")
    assert "SSH        does not run\n" in text_of(Settings(), up, down)
    assert "SSH" not in text_of(Settings(ssh_enabled=False), up)
    runpod = {"RUNPOD_PUBLIC_IP": "203.0.113.7", "RUNPOD_TCP_PORT_22": "14022"}
    assert ssh_text(Settings(), runpod) == "ssh root@203.0.113.7 -p 14022"
    assert ssh_text(Settings(ssh_port=2222), runpod) == "port 2222, as root, with a key of PUBLIC_KEY"


def test_the_banner_says_when_the_pod_is_stopped() -> None:
    settings = Settings.from_environ({"RUNPOD_POD_ID": "abc", "IDLE_STOP": "30m", "MAX_HOURS": "8", "MAX_COST": "2.5"})
    assert "  Stop       after 30m idle or 8 h or $2.5 (stop); to keep an idle pod: podkeeper keep 8h\n" in text_of(
        settings, []
    )
    assert "  Stop " not in text_of(Settings(), [])
