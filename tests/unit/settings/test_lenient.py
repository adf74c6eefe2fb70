"""The lenient reader: a value that cannot be used gives way to a default, and is named."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.settings.lenient import read_leniently
from entrypoint.settings.settings import Settings, contradictions, secret_variables
from tests.support.bad_environments import BAD_ENVIRONMENTS

_VARIABLES = [each.metadata["variable"] for each in fields(Settings) if each.metadata["variable"] != "PODKEEPER_HOME"]
_TEXT = st.text(st.characters(exclude_characters="\0"), max_size=40) | st.sampled_from(
    ["tcp://10.0.0.1:80", "8188", "8189", "18188", "none", "nnoe", "tru", "--port 9", '"--fast --x"', "9" * 5000]
)


@given(st.dictionaries(st.sampled_from(_VARIABLES), _TEXT, max_size=12))
def test_any_text_gives_settings_that_work(environ: dict[str, str]) -> None:
    read = read_leniently(environ)
    assert contradictions(read.settings) == []
    usable = read.usable_environ(environ)
    assert Settings.from_environ(usable).to_environ() == read.settings.to_environ()
    assert read_leniently(usable).problems == ()
    auths = (read.settings.jupyter_auth, read.settings.comfyui_auth)
    meant = tuple(environ.get(name, "").strip().lower() == "none" for name in ("JUPYTER_AUTH", "COMFYUI_AUTH"))
    assert tuple(auth == "none" for auth in auths) == meant


@given(st.sampled_from(_VARIABLES), _TEXT)
def test_every_value_that_the_strict_reader_refuses_is_named(variable: str, text: str) -> None:
    try:
        Settings.from_environ({variable: text})
    except Exception:
        read = read_leniently({variable: text})
        assert any(variable in line for line in (*read.problems, *read.notes))


@pytest.mark.parametrize(("environ", "message"), BAD_ENVIRONMENTS)
def test_a_bad_value_is_named_in_the_words_of_the_strict_reader(environ: dict[str, str], message: str) -> None:
    read = read_leniently(environ)
    assert any(problem.startswith(message) for problem in read.problems)
    assert bool(read.fatal) == ("PODKEEPER_HOME" in environ)


@pytest.mark.parametrize(
    ("variable", "text", "nearest"),
    [("JUPYTER_AUTH", "nnoe", "none"), ("COMFYUI_ENABLED", "ture", "true"), ("VOLUME_POLICY", "grup", "group")],
)
def test_the_nearest_word_is_named(variable: str, text: str, nearest: str) -> None:
    (problem,) = read_leniently({variable: text}).problems
    assert f"(did you mean {nearest}?)" in problem


@pytest.mark.parametrize("variable", ["JUPYTER_AUTH", "COMFYUI_AUTH"])
@pytest.mark.parametrize("text", ["nnoe", "no", "false", "off", "None!", "'none'"])
def test_what_guards_the_door_fails_closed(variable: str, text: str) -> None:
    read = read_leniently({variable: text})
    assert (read.settings.jupyter_auth, read.settings.comfyui_auth) == ("token", "token")


def test_a_typo_does_not_start_downloads() -> None:
    assert read_leniently({"MODELS": "nnoe"}).settings.models == "none"


@pytest.mark.parametrize("service", ["JUPYTER", "COMFYUI", "STATUS"])
@pytest.mark.parametrize("text", ["tcp://10.43.73.21:80", "udp://10.0.0.1:53", "tcp://[fd00::1]:80"])
def test_a_service_link_of_kubernetes_is_ignored_in_one_line(service: str, text: str) -> None:
    environ = {f"{service}_PORT": text, f"{service}_SERVICE_HOST": "10.43.73.21", f"{service}_PORT_80_TCP": text}
    read = read_leniently(environ)
    assert read.problems == ()
    assert len(read.notes) == 1
    assert text in read.notes[0]
    assert read.settings == Settings()
    assert Settings.from_environ(environ) == Settings()


@pytest.mark.parametrize("variable", ["HF_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN"])
@pytest.mark.parametrize(
    "text", ["Bearer abc123", "bearer  abc123", "\ufeffabc123", '"abc123"', "'Bearer abc123'",
             "Authorization: Bearer abc123",
             "\u201cabc123\u201d"]
)  # fmt: skip
def test_what_is_around_a_sites_token_is_removed_and_named_without_the_token(variable: str, text: str) -> None:
    read = read_leniently({variable: text})
    assert getattr(read.settings, variable.lower()) == "abc123"
    assert variable in read.notes[0]
    assert "abc123" not in str(read.notes)


@pytest.mark.parametrize(
    "text",
    ["<your token>", "your_token_here", "hf_xxxxxxxx", "{{ RUNPOD_SECRET_hf }}", "${HF_TOKEN}", "xxx", "two words"],
)
def test_a_placeholder_costs_gated_downloads_alone(text: str) -> None:
    read = read_leniently({"HF_TOKEN": text})
    assert read.settings.hf_token == ""
    assert "HF_TOKEN" in str((*read.problems, *read.notes))
    assert text not in str((*read.problems, *read.notes))


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('"--fast --reserve-vram 2"', ("--fast", "--reserve-vram", "2")),
        ("'--fast --lowvram'", ("--fast", "--lowvram")),
        ('"--output-directory=/a b"', ("--output-directory=/a b",)),
        ('--output-directory "/a b"', ("--output-directory", "/a b")),
    ],
)
def test_the_quotes_of_an_env_file_are_removed(text: str, arguments: tuple[str, ...]) -> None:
    read = read_leniently({"COMFYUI_ARGS": text})
    assert (read.settings.comfyui_args, read.problems) == (arguments, ())
    assert bool(read.notes) == (len(arguments) > 1 and text[0] in "\"'")


@pytest.mark.parametrize(
    "text",
    ["--port 9000", "--por 9000", "--port=9000", "--lis 0.0.0.0", "--listen", "--tls-keyfile K --tls-certfile C",
     "--tls-k K", "--help", "-h", "--quick", "--base-dir /x"],
)  # fmt: skip
def test_an_argument_that_the_pod_owns_is_left_out_in_every_spelling(text: str) -> None:
    read = read_leniently({"COMFYUI_ARGS": f"--fast {text} --lowvram"})
    assert read.settings.comfyui_args == ("--fast", "--lowvram")
    assert text.split()[0].partition("=")[0] in str(read.problems)


@pytest.mark.parametrize("service", ["JUPYTER", "COMFYUI", "STATUS"])
@pytest.mark.parametrize("port", [18188, 18189, 18190])
def test_an_internal_port_moves_out_of_a_public_ports_way(service: str, port: int) -> None:
    read = read_leniently({f"{service}_PORT": str(port)})
    assert (read.problems, read.notes) == ((), ())
    assert getattr(read.settings, f"{service.lower()}_port") == port
    assert getattr(read.settings, f"{service.lower()}_internal_port") != port
    assert Settings.from_environ({f"{service}_PORT": str(port)}) == read.settings


def test_equal_ports_that_the_user_chose_still_mean_no_door() -> None:
    read = read_leniently({"COMFYUI_PORT": "18188", "COMFYUI_INTERNAL_PORT": "18188"})
    assert (read.settings.comfyui_port, read.settings.comfyui_internal_port, read.problems) == (18188, 18188, ())


@pytest.mark.parametrize(
    ("environ", "ports"),
    [
        ({"COMFYUI_PORT": "8189"}, (8189, 8188, 8190)),
        ({"JUPYTER_PORT": "8188"}, (8188, 8189, 8190)),
        ({"STATUS_PORT": "8188"}, (8189, 8188, 8190)),
        ({"JUPYTER_PORT": "80", "COMFYUI_PORT": "80", "STATUS_PORT": "80"}, (80, 8188, 8190)),
    ],
)
def test_of_two_equal_public_ports_the_later_one_moves_to_a_free_default(
    environ: dict[str, str], ports: tuple[int, int, int]
) -> None:
    read = read_leniently(environ)
    assert (read.settings.jupyter_port, read.settings.comfyui_port, read.settings.status_port) == ports
    assert read.problems


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("JUPYTER_PROT", "JUPYTER_PORT"), ("COMFY_ARGS", "COMFYUI_ARGS"), ("JUPYTER_TOKENS", "JUPYTER_TOKEN"),
     ("DOWNLOAD_WAN_COR", "DOWNLOAD_WAN_CORE"), ("jupyter_port", "JUPYTER_PORT")],
)  # fmt: skip
def test_a_variable_that_is_almost_ours_is_named(variable: str, meant: str) -> None:
    (note,) = read_leniently({variable: "x"}, ["DOWNLOAD_WAN_CORE"]).notes
    assert f"did you mean {meant}?" in note


@pytest.mark.parametrize(
    "variable", ["JUPYTER_PATH", "JUPYTER_CONFIG_DIR", "COMFYUI_PATH", "RUNPOD_POD_HOSTNAME", "HF_HOME", "PATH", "PWD",
                 "JUPYTER_TOKEN_FILE", "HF_HUB_ENABLE_HF_TRANSFER", "PODKEEPER_HOME_PATH"]
)  # fmt: skip
def test_other_programs_variables_are_not_named(variable: str) -> None:
    assert read_leniently({variable: "x"}).notes == ()


def test_a_manifests_query_is_accepted_and_handed_on_nowhere() -> None:
    address = "https://h/m%20x.toml?X-Amz-Credential=A%2Fs3&X-Amz-Signature=abc"
    read = read_leniently({"MODELS_MANIFEST": address})
    assert (read.settings.models_manifest, read.problems) == (address, ())
    assert read.settings.to_environ()["MODELS_MANIFEST"] == "https://h/m%20x.toml"
    (problem,) = read_leniently({"MODELS_MANIFEST": "ftp://h/m?X-Amz-Signature=abc"}).problems
    assert "abc" not in problem


def test_the_queries_of_workflows_are_handed_on_nowhere() -> None:
    read = read_leniently({"WORKFLOWS": "https://h/a.json?sig=s3cret, /w/b c.json,,https://h/a.json?sig=s3cret"})
    assert read.settings.workflows == ("https://h/a.json?sig=s3cret", "/w/b c.json")
    handed = read.settings.to_environ()["WORKFLOWS"]
    assert handed == "https://h/a.json,/w/b c.json"
    assert read_leniently({"WORKFLOWS": handed}).settings.workflows == ("https://h/a.json", "/w/b c.json")


def test_secrets_show_in_no_line() -> None:
    for variable in secret_variables():
        read = read_leniently({variable: "s3cret words \u00fc"})
        assert "s3cret" not in str((*read.problems, *read.notes)) + repr(read.settings)
