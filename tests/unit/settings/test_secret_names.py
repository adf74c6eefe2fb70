"""Which variables hold a secret, and which names COMFYUI_SECRETS and TERMINAL_SECRETS may hold."""

from __future__ import annotations

import pytest

from entrypoint.settings.secret_names import is_secret, without_refused
from entrypoint.settings.settings import Settings, secret_variables

SECRET = (
    "COMFY_ORG_API_KEY", "BUCKET_ENDPOINT_URL", "BUCKET_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE",
    "HF_TOKEN", "hf_token", "HFTOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "OPENAI_APIKEY", "FAL_KEY",
    "KAGGLE_KEY",
    "RUNPOD_SECRET_mine", "CLIENT_SECRET", "SECRETS", "DB_PASSWORD", "PGPASSWORD", "MYSQL_PWD", "SSHPASS",
    "RCLONE_CONFIG_S3_PASS", "RCLONE_CONFIG_S3_HOST", "ON_DONE_FILE",
    "DB_PASSWD", "KEY_PASSPHRASE", "GITHUB_PAT", "SENTRY_DSN", "NPM_AUTH",
    "GOOGLE_APPLICATION_CREDENTIALS", "SSH_PRIVATE_KEY", "SSH_PRIVATE_KEY_BASE64", "HF_TOKEN_FILE", "DB_PASSWORD_FILE",
    "CIVITAI_TOKEN_2", "AZURE_STORAGE_KEY",
)  # fmt: skip
NO_SECRET = (
    "PATH", "PWD", "OLDPWD", "HOME", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME", "TOKENIZERS_PARALLELISM", "MAX_TOKENS",
    "MAX_TOKENS_PER_BATCH", "PUBLIC_KEY", "SSH_PUBLIC_KEYS", "KEYBOARD", "XKB_KEYMAP", "CUDA_VISIBLE_DEVICES",
    "HF_ENDPOINT", "HF_HOME", "SSL_CERT_FILE", "HTTPS_PROXY", "RUNPOD_POD_ID", "RUNPOD_PUBLIC_IP", "WANDB_MODE",
    "COMPASS", "DOWNLOAD_ALL", "PYTHONPATH", "MONKEY",
)  # fmt: skip


@pytest.mark.parametrize("variable", [*SECRET, *secret_variables()])
def test_the_name_of_a_secret_is_recognised(variable: str) -> None:
    assert is_secret(variable) or variable == "PUBLIC_KEY"


@pytest.mark.parametrize("variable", NO_SECRET)
def test_the_name_of_another_variable_is_not(variable: str) -> None:
    assert not is_secret(variable)


def test_every_name_that_no_program_may_get_is_refused_with_its_reason() -> None:
    settings = Settings.from_environ(
        {
            "COMFYUI_SECRETS": "HF_TOKEN, JUPYTER_TOKEN ,MISSING_KEY",
            "TERMINAL_SECRETS": "RUNPOD_API_KEY JUPYTER_PASSWORD HF_TOKEN",
        }
    )
    kept, problems = without_refused(settings, {"HF_TOKEN": "x", "JUPYTER_TOKEN": "x", "RUNPOD_API_KEY": "x"})
    assert (kept.comfyui_secrets, kept.terminal_secrets) == (("HF_TOKEN",), ("HF_TOKEN",))
    login = "it is the login of this pod, which no program gets; it is ignored"
    assert problems == [
        f"cannot use JUPYTER_TOKEN in COMFYUI_SECRETS: {login}",
        "cannot use MISSING_KEY in COMFYUI_SECRETS: the pod has no such variable; it is ignored",
        "cannot use RUNPOD_API_KEY in TERMINAL_SECRETS: it is RunPod's key of this pod, which no program gets; "
        "it is ignored",
        f"cannot use JUPYTER_PASSWORD in TERMINAL_SECRETS: {login}",
    ]


def test_the_file_of_a_login_is_refused_too() -> None:
    settings = Settings.from_environ({"COMFYUI_SECRETS": "JUPYTER_TOKEN_FILE,RUNPOD_API_KEY_FILE,MY_TOKEN_FILE"})
    kept, problems = without_refused(settings, dict.fromkeys(settings.comfyui_secrets, "/run/secrets/x"))
    assert (kept.comfyui_secrets, len(problems)) == (("MY_TOKEN_FILE",), 2)


def test_quotes_that_an_env_file_keeps_are_removed() -> None:
    assert Settings.from_environ({"COMFYUI_SECRETS": "'HF_TOKEN,FAL_KEY'"}).comfyui_secrets == ("HF_TOKEN", "FAL_KEY")


@pytest.mark.parametrize(
    "word", ["hf_abcdefgh", "HF_TOKEN=hf_abcdefgh", "AKIA1234567890", "sk-abcdefgh", "a/../b", "{s3cret}"]
)
def test_a_secret_in_place_of_its_name_is_not_repeated(word: str) -> None:
    kept, problems = without_refused(Settings.from_environ({"COMFYUI_SECRETS": word}), {})
    assert kept.comfyui_secrets == ()
    assert len(problems) == 1
    assert word not in problems[0]
