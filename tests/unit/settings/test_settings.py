"""Settings read from the environment, and the messages for bad values."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoint.settings.lenient import read_leniently
from entrypoint.settings.settings import FOREIGN_SECRETS, BadSettings, Settings, secret_variables
from tests.support.bad_environments import BAD_ENVIRONMENTS


def test_an_empty_environment_gives_the_defaults_of_the_readme() -> None:
    settings = Settings.from_environ({})
    assert (settings.jupyter_port, settings.comfyui_port) == (8189, 8188)
    assert settings.jupyter_auth == "token"
    assert settings.user_home == "/root"


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "Yes", "on", " on "])
def test_words_for_true(text: str) -> None:
    assert Settings.from_environ({"COMFYUI_ENABLED": text}).comfyui_enabled is True


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "off"])
def test_words_for_false(text: str) -> None:
    assert Settings.from_environ({"COMFYUI_ENABLED": text}).comfyui_enabled is False


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_variable_counts_as_unset(text: str) -> None:
    assert Settings.from_environ({"JUPYTER_PORT": text}).jupyter_port == 8189


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({}, ""),
        ({"JUPYTER_PASSWORD": "minted-by-runpod"}, "minted-by-runpod"),
        ({"JUPYTER_TOKEN": "mine"}, "mine"),
        ({"JUPYTER_TOKEN": "mine", "JUPYTER_PASSWORD": "minted-by-runpod"}, "mine"),
        ({"JUPYTER_TOKEN": "", "JUPYTER_PASSWORD": "minted-by-runpod"}, "minted-by-runpod"),
    ],
)
def test_jupyter_token_wins_over_jupyter_password(environ: dict[str, str], token: str) -> None:
    assert Settings.from_environ(environ).token == token


def test_public_address_is_the_proxys_on_runpod_and_this_machine_elsewhere() -> None:
    assert Settings.from_environ({"RUNPOD_POD_ID": "ABC123"}).public_url(8189) == (
        "https://abc123-8189.proxy.runpod.net"
    )
    assert Settings.from_environ({}).public_url(8189) == "http://localhost:8189"


@pytest.mark.parametrize(("environ", "message"), BAD_ENVIRONMENTS)
def test_bad_values_are_refused_in_one_line_each(environ: dict[str, str], message: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(environ)
    assert message in caught.value.problems
    assert all("\n" not in problem for problem in caught.value.problems)


def test_all_problems_are_reported_at_once() -> None:
    environ = {"JUPYTER_PORT": "x", "COMFYUI_PORT": "0", "JUPYTER_AUTH": "maybe", "COMFYUI_ARGS": "--port 1"}
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(environ)
    assert len(caught.value.problems) == 4


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ({"JUPYTER_TOKEN": "my secret words"})
    assert "my secret words" not in str(caught.value)


def test_secrets_show_neither_in_repr_nor_in_the_environment_handed_on() -> None:
    settings = Settings.from_environ({"JUPYTER_TOKEN": "s3cret-a", "JUPYTER_PASSWORD": "s3cret-b"})
    assert "s3cret" not in repr(settings)
    assert not any("s3cret" in text for text in settings.to_environ().values())
    own = {"JUPYTER_TOKEN", "JUPYTER_PASSWORD", "HF_TOKEN", "CIVITAI_TOKEN", "GITHUB_TOKEN"}
    assert own | set(FOREIGN_SECRETS) <= set(secret_variables())
    assert not set(secret_variables()) & set(settings.to_environ())


def test_a_settings_object_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings.from_environ({}).jupyter_port = 1  # type: ignore[misc]


_WORDS = st.text(string.ascii_letters + string.digits + " -=./'\"$%\\", max_size=12)


@given(
    st.builds(
        Settings,
        jupyter_port=st.integers(1, 4000),
        comfyui_port=st.integers(4001, 8000),
        comfyui_auth=st.sampled_from(["token", "none"]),
        comfyui_enabled=st.booleans(),
        jupyter_auth=st.sampled_from(["token", "none"]),
        allowed_origins=st.lists(st.sampled_from(["https://a.example", "http://b.example:81"])).map(tuple),
        comfyui_args=st.lists(_WORDS.filter(lambda word: not word.startswith("-"))).map(tuple),
        home=st.sampled_from(["", "/srv/pod", "/srv/a pod"]),
        pod_id=st.sampled_from(["", "abc123"]),
    )
)
def test_what_is_handed_on_reads_back_as_the_same_settings(settings: Settings) -> None:
    assert Settings.from_environ(settings.to_environ()) == settings


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "MODELS_MANIFEST", "COMFYUI_REPO", "JUPYTER_ALLOWED_ORIGINS"])
@pytest.mark.parametrize(
    "value",
    [
        "https://me:s3cret@host/x", "https://s3cret@host/x", "https://me:s3c@s3cret@host/x", "https://me:a/s3cret@host/x",
        "https://me:a?s3cret@host/x", "https://me:a#s3cret@host/x", "me:s3cret@host/x", "//me:s3cret@host/x",
        "https:/me:s3cret@host", "host/x?token=s3cret", " https://host/x y?token=s3cret",
    ],
)  # fmt: skip
def test_no_login_of_an_address_is_printed_or_handed_on(variable: str, value: str) -> None:
    read = read_leniently({variable: value})
    assert "s3cret" not in " ".join((*read.problems, *read.notes))
    assert "s3cret" not in str(read.settings.to_environ())
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ({variable: value})
    assert "s3cret" not in str(caught.value.problems)


@pytest.mark.parametrize("value", ["https://cdn.example/gh/u/r@main/x", "http://[::1]:8080/x", "https://h:8443/x"])
def test_an_address_without_a_login_is_taken(value: str) -> None:
    settings = Settings.from_environ({"HF_ENDPOINT": value, "MODELS_MANIFEST": value, "COMFYUI_REPO": value})
    assert (settings.hf_endpoint, settings.models_manifest, settings.comfyui_repo) == (value, value, value)
