"""What rclone gets, and which texts are secrets."""

from __future__ import annotations

import base64

from entrypoint.outputs.remote import config_of, remote, secret_texts
from entrypoint.settings.destinations import destination

CONFIG = '[mine]\ntype = s3\nprovider = Cloudflare\nsecret_access_key = hunter2hunter2\ntoken = {"access": "abcdef"}\n'


def test_s3_is_a_remote_of_the_environment_and_no_secret_is_in_its_path() -> None:
    secrets = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_DEFAULT_REGION": "eu-1"}
    found = remote(destination("s3://bucket/out"), secrets)
    assert found.path == "podkeeper:bucket/out"
    assert found.environ == secrets | {
        "RCLONE_CONFIG_PODKEEPER_TYPE": "s3", "RCLONE_CONFIG_PODKEEPER_PROVIDER": "AWS",
        "RCLONE_CONFIG_PODKEEPER_ENV_AUTH": "true", "RCLONE_CONFIG_PODKEEPER_REGION": "eu-1",
        "RCLONE_CONFIG_PODKEEPER_NO_CHECK_BUCKET": "true",
    }  # fmt: skip
    other = remote(destination("s3://bucket"), {"AWS_ENDPOINT_URL": "https://r2.example"})
    assert other.environ["RCLONE_CONFIG_PODKEEPER_PROVIDER"] == "Other"


def test_the_configuration_is_a_text_the_same_in_base64_or_a_path() -> None:
    assert config_of(CONFIG) == (CONFIG.strip(), "")
    assert config_of(base64.b64encode(CONFIG.encode()).decode()) == (CONFIG, "")
    assert config_of("/workspace/rclone.conf\n") == ("", "/workspace/rclone.conf")
    assert config_of("nothing of that") == ("nothing of that", "")
    assert config_of("") == ("", "")
    found = remote(destination("mine:x"), {"RCLONE_CONFIG": CONFIG, "RCLONE_CONFIG_MINE_PASS": "p"})
    assert (found.path, found.config) == ("mine:x", CONFIG.strip())
    assert found.environ == {"RCLONE_CONFIG_MINE_PASS": "p"}


def test_every_secret_of_a_configuration_is_known() -> None:
    secrets = {"RCLONE_CONFIG": CONFIG, "AWS_SECRET_ACCESS_KEY": "the-secret-key", "AWS_REGION": "us-east-1"}
    assert secret_texts(secrets, CONFIG) == {"the-secret-key", "hunter2hunter2", '{"access": "abcdef"}'}
    assert "whole-line" in secret_texts({}, "no configuration whole-line")
