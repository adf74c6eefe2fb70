"""supervisord.conf against the SERVICES table, the settings and the paths."""

import re
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions

from entrypoint.boot.exec_supervisord import SUPERVISORD_CONF
from entrypoint.boot.plan import child_environ
from entrypoint.settings.paths import Facts, locate
from entrypoint.settings.services import SERVICES, Service
from entrypoint.settings.settings import Settings
from entrypoint.supervision.log_forwarder import FOLLOWED

TEXT = re.sub(r"(?m)^;.*$", "", Path(SUPERVISORD_CONF).read_text())


def environ_for(settings: Settings) -> dict[str, str]:
    facts = Facts(mounts=frozenset(), uid=0, temporary="/tmp", python="/opt/a b/bin/python")
    paths = locate(settings, facts)
    for each in (paths.log, paths.runtime):
        Path(each).mkdir(parents=True, exist_ok=True)
    return child_environ({"PATH": "/usr/bin"}, settings, paths)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the file as supervisord would, with the environment that the entrypoint hands on."""

    def load_for(settings: Settings) -> ServerOptions:
        for name, text in environ_for(settings).items():
            monkeypatch.setenv(name, text)
        options = ServerOptions()
        options.realize(["-c", SUPERVISORD_CONF, "-n"])
        return options

    return load_for


@pytest.fixture
def programs(load: Any, tmp_path: Path) -> dict[str, Any]:
    options = load(Settings(home=str(tmp_path)))
    return {process.name: process for group in options.process_group_configs for process in group.process_configs}


def test_every_variable_it_expands_is_set_by_the_entrypoint(tmp_path: Path) -> None:
    handed = set(environ_for(Settings(home=str(tmp_path))))
    assert set(re.findall(r"%\(ENV_(\w+)\)s", TEXT)) <= handed


def test_no_secret_and_no_free_text_is_expanded() -> None:
    """Expansion comes before splitting: free text could add words to a command."""
    names = set(re.findall(r"%\(ENV_(\w+)\)s", TEXT))
    assert not {name for name in names if "TOKEN" in name or "PASSWORD" in name or "ARGS" in name}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_has_its_program(service: Service, programs: dict[str, Any]) -> None:
    program = programs[service.name]
    assert program.stopsignal.name == f"SIG{service.stop_signal}"
    assert program.stopwaitsecs == service.stop_grace
    assert program.autorestart is not False
    assert program.startsecs >= 2  # an exit in the first second would count as a start that succeeded
    assert program.stopasgroup
    assert program.killasgroup
    assert program.redirect_stderr


@pytest.mark.parametrize("service", [each for each in SERVICES if each.page], ids=lambda service: service.name)
def test_a_service_that_is_switched_off_is_not_started(service: Service, load: Any, tmp_path: Path) -> None:
    switched_off: dict[str, Any] = {service.enabled_setting: False}
    settings = Settings(home=str(tmp_path), **switched_off)
    options = load(settings)
    starting = {p.name for g in options.process_group_configs for p in g.process_configs if p.autostart}
    assert service.name not in starting


def test_orphans_are_swept_as_the_table_says(load: Any, tmp_path: Path) -> None:
    options = load(Settings(home=str(tmp_path)))
    (section,) = [lines for name, _, lines in options.rpcinterface_factories if name == "podkeeper"]
    assert set(section["sweep"].split(",")) == {service.name for service in SERVICES if service.sweep_orphans}


def test_every_log_is_bounded_and_the_services_logs_are_forwarded(programs: dict[str, Any]) -> None:
    for program in programs.values():
        assert 0 < program.stdout_logfile_maxbytes <= 10 * 1024 * 1024, program.name
    for service in SERVICES:
        assert Path(programs[service.name].stdout_logfile).name in FOLLOWED.values()


def test_supervisord_itself_never_writes_to_stdout(load: Any, tmp_path: Path) -> None:
    options = load(Settings(home=str(tmp_path)))
    assert options.silent
    assert options.nodaemon


def test_a_path_with_a_space_is_one_word(load: Any, tmp_path: Path) -> None:
    options = load(Settings(home=f"{tmp_path}/a b"))
    for group in options.process_group_configs:
        for process in group.process_configs:
            assert process.command.startswith('"/opt/a b/bin/python" -I -m entrypoint')
