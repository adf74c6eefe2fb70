"""A pod as the doctor sees it, with made-up settings, for tests of what the doctor finds."""

from typing import Any

from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.settings import Settings
from entrypoint.system.attach import Pod


def pod(**settings: Any) -> Pod:
    made = Settings(home="/pod", **settings)
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/usr/bin/python")
    return Pod(settings=made, paths=locate(made, facts), environ={}, supervisord=1)
