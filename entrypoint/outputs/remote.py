"""P: OUTPUTS_TO and the user's secrets -> what rclone gets: its remote's name, its environment, its configuration."""

from __future__ import annotations

import base64
import binascii
import configparser
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from entrypoint.settings.destinations import Destination
from entrypoint.settings.secret_names import is_public_of_outputs

#: Name of the remote that `s3://` is.
S3 = "podkeeper"
_CONFIG = "RCLONE_CONFIG"
#: What may be told of a configuration file.
_PUBLIC_KEYS = ("type", "provider", "region", "endpoint", "env_auth", "acl", "host", "user", "url", "vendor", "port")
_SHORTEST = 6


class Remote(NamedTuple):
    """What rclone gets. `path`: `REMOTE:PATH`; `environ`: variables beside those of the pod; `config`: the text of its
    configuration file, or ""; `config_path`: the user's own file, or ""."""

    path: str
    environ: dict[str, str]
    config: str = ""
    config_path: str = ""


def remote(to: Destination, secrets: Mapping[str, str]) -> Remote:
    """What rclone gets for this destination."""
    environ = {name: text for name, text in secrets.items() if name != _CONFIG}
    config, path = config_of(secrets.get(_CONFIG, ""))
    if to.kind != "s3":
        return Remote(f"{to.remote}:{to.path}", environ, config, path)
    endpoint = secrets.get("AWS_ENDPOINT_URL", "")
    region = secrets.get("AWS_REGION", "") or secrets.get("AWS_DEFAULT_REGION", "")
    options = {
        "TYPE": "s3", "PROVIDER": "Other" if endpoint else "AWS", "ENV_AUTH": "true", "ENDPOINT": endpoint,
        "REGION": region, "NO_CHECK_BUCKET": "true",
    }  # fmt: skip
    ours = {f"RCLONE_CONFIG_{S3.upper()}_{name}": text for name, text in options.items() if text}
    return Remote(f"{S3}:{to.path}", environ | ours)


def config_of(text: str) -> tuple[str, str]:
    """(the text of rclone.conf, "") or ("", its path): of RCLONE_CONFIG, which is the text, the same in base64 (where a
    variable can hold one line only), or the path, as for rclone itself."""
    text = text.strip()
    if text.startswith("/") and "\n" not in text:
        return "", text
    if "[" not in text:
        try:
            decoded = base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, ValueError):
            return text, ""
        return (decoded if "[" in decoded else text), ""
    return text, ""


def secret_texts(secrets: Mapping[str, str], config: str) -> set[str]:
    """Every text that must not be printed: the values of the variables, and those in the configuration."""
    found = {text for name, text in secrets.items() if not is_public_of_outputs(name) and "\n" not in text}
    return {text for text in found | set(_values(config)) if len(text) >= _SHORTEST and text != "true"}


def _values(config: str) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(config)
    except configparser.Error:
        yield from (part for line in config.splitlines() for part in line.split())
        return
    for section in parser.sections():
        for key, value in parser.items(section):
            if value and key not in _PUBLIC_KEYS:
                yield value
