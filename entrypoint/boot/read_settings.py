"""A: reads the settings at the start: the environment, and the files that X_FILE names for a secret X.

Docker's and Kubernetes' secrets are files: JUPYTER_TOKEN_FILE=/run/secrets/token.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from entrypoint.boot.pod_kind import secrets_of
from entrypoint.conditions.condition import CannotDo, Condition
from entrypoint.jobs.one_job import is_one_job
from entrypoint.settings import secret_names
from entrypoint.settings.lenient import Read, read_leniently
from entrypoint.settings.settings import BadSettings, Settings
from entrypoint.system.files import open_regular

#: Bytes of a secret's file, at most.
_LARGEST = 65536
#: The pod's own key of RunPod's API, which can stop and delete it.
RUNPOD_KEY = "RUNPOD_API_KEY"
_REMEDY = "correct the variables and restart the pod; PODKEEPER_STRICT=true ends a start with such a value"


def read_settings(environ: Mapping[str, str], command: Sequence[str] = ()) -> Read:
    """Read the settings of a start; `command`: its start command.

    Raises:
        BadSettings: A value cannot be used, and the start is strict (PODKEEPER_STRICT, or local mode at a terminal), or
            the value has no default.
    """
    given, unread = _with_files(environ)
    read = read_leniently(given, _bundle_flags(environ))
    settings, refused = secret_names.without_refused(read.settings, given)
    if read.fatal or settings.strict or _at_a_terminal(settings):
        _check_strictly(given, unread + refused)
    own = {each.metadata["variable"]: getattr(settings, each.name) for each in fields(Settings)}
    # Any other variable that is named reaches every program anyway, some with a value of the pod's own (PATH, HOME).
    named = [name for name in secret_names.named(settings) if secret_names.is_secret(name)]
    named += [name for name in secrets_of(settings) if name in given]
    secrets = {name: text for name in named if (text := own.get(name, given[name]))}
    if settings.public_key and settings.ssh_enabled:
        secrets["PUBLIC_KEY"] = settings.public_key
    else:
        settings = replace(settings, ssh_enabled=False)  # the programs get this setting, and no PUBLIC_KEY
    if settings.outputs_to or is_one_job(command):  # `podkeeper run --out s3://...`
        secrets |= {name: own.get(name, text) for name, text in given.items() if secret_names.is_for_outputs(name)}
    secrets |= {"WEBHOOK_SECRET": own["WEBHOOK_SECRET"]}  # of jobs' own webhooks, too
    webhooks = {name: own[name] for name in ("ON_DONE", "ON_PROBLEM") if own[name]}
    if settings.webhooks_enabled and (settings.on_done or settings.on_problem):
        secrets |= webhooks
    else:
        settings = replace(settings, webhooks_enabled=False)
    secrets = {name: text for name, text in secrets.items() if text}
    if settings.pod_id and (key := environ.get(RUNPOD_KEY, "").strip()):
        secrets[RUNPOD_KEY] = key  # for [program:runpod] alone, which stops the pod and asks what it costs
    return replace(read, settings=settings, problems=(*read.problems, *unread, *refused), secrets=secrets)


def report_ignored(read: Read) -> None:
    """Raise CannotDo where a value is not used as it was given; the condition names each."""
    lines = (*read.problems, *read.notes)
    if lines:
        raise CannotDo(Condition("SettingIgnored", " | ".join(lines), _REMEDY))


def _check_strictly(environ: Mapping[str, str], unread: list[str]) -> None:
    try:
        Settings.from_environ(environ)
    except BadSettings as error:
        raise BadSettings((*error.problems, *unread)) from None
    if unread:
        raise BadSettings(tuple(unread))


def _at_a_terminal(settings: Settings) -> bool:
    return bool(settings.home) and os.isatty(0) and sys.stderr.isatty()


def _with_files(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment with the secrets of files in it, and a line for each file that cannot be used."""
    found, problems = dict(environ), []
    # JupyterLab's own process has JUPYTER_TOKEN_FILE (supervisord.conf): a start in its terminal is another pod.
    own = environ.get("PODKEEPER_RUNTIME_PATH", "") + "/jupyter_token"
    secrets = [each.metadata["variable"] for each in fields(Settings) if each.metadata["secret"]]
    lists = " ".join(environ.get(name.upper(), "") for name in secret_names.LISTS).replace(",", " ")
    for variable in dict.fromkeys((*secrets, "AWS_SESSION_TOKEN", *lists.split())):
        path = environ.get(f"{variable}_FILE", "").strip()
        if not path or path == own or environ.get(variable, "").strip():
            continue
        try:
            text = _read_secret(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            problems.append(f"cannot read {variable}_FILE={path[:200]!r}: {reason}; it is ignored")
            continue
        found[variable] = text
    return found, problems


def _read_secret(path: str) -> str:
    with open_regular(path, links=True) as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST or b"\0" in content:
        raise ValueError("it holds no secret")
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ValueError("it is empty")
    return text


def _bundle_flags(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The catalogue's DOWNLOAD_<BUNDLE> flags, where the environment has such a flag at all."""
    if not any(name.startswith("DOWNLOAD") for name in environ):
        return ()
    from entrypoint.models.catalogue.builtin import bundle_flags

    return bundle_flags()
