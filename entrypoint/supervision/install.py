"""A: the installation of the plugin into a supervisord that has built its programs and started none."""

import functools
import os
import signal
import socket
from collections.abc import Mapping
from typing import Any

from supervisor import events, options, process
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.states import ProcessStates

from entrypoint.supervision import orphans
from entrypoint.supervision.keeper import Keeper
from entrypoint.supervision.plugin_config import parse_config
from entrypoint.supervision.program import Program


class Interface:
    """The `podkeeper` RPC namespace. Empty: the plugin publishes its state in files that any process can read."""


def install(supervisord: Any, lines: Mapping[str, str]) -> Interface:
    """Replace supervisord's restarts with ours. Called again after each reload, with a new `supervisord`."""
    config = parse_config(lines)
    _open_socket(supervisord, config.socket_owner)
    keeper = Keeper(supervisord, config, Program)
    Program.keeper = keeper
    _convert_future_programs()
    for group in supervisord.process_groups.values():
        for program in group.processes.values():
            _convert(program, group)
    _make_start_end_backoff()
    orphans.become_subreaper()
    events.subscribe(events.SupervisorStoppingEvent, keeper.shutdown.begin)
    keeper.wakeup.install()
    _decide_about_hangup(supervisord.options)
    _drain_first(supervisord.options, keeper)
    return Interface()


def _decide_about_hangup(server_options: Any) -> None:
    """Stock supervisord restarts every program after a SIGHUP. In local mode it means that the terminal was closed, and
    ends the pod, unless nohup was asked for; a container has no terminal, and nothing happens."""
    stock = server_options.get_signal
    ends = bool(os.environ.get("PODKEEPER_HOME")) and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN

    def get_signal() -> int | None:
        found: int | None = stock()
        if found == signal.SIGHUP:
            return signal.SIGTERM if ends else None
        return found

    server_options.get_signal = get_signal


def _drain_first(server_options: Any, keeper: Keeper) -> None:
    """The first SIGTERM is a request to drain, where STOP_GRACE is set; Ctrl-C is not."""
    stock = server_options.get_signal

    def get_signal() -> int | None:
        found: int | None = stock()
        return None if found == signal.SIGTERM and keeper.running and keeper.shutdown.put_off() else found

    server_options.get_signal = get_signal


def _open_socket(supervisord: Any, owner: str) -> None:
    """Give the socket, 0700 and open by now, to the services' user; root can use it in any case.

    Not supervisord's own `chown=`: that refuses a uid without a name in /etc/passwd.
    """
    if owner and os.geteuid() == 0:
        uid, _, gid = owner.partition(":")
        for config in supervisord.options.server_configs:
            if config["family"] == socket.AF_UNIX:
                os.chown(config["file"], int(uid), int(gid), follow_symlinks=False)


def _convert(program: Any, group: Any) -> None:
    """The objects exist already, so their class is changed; event listeners and FastCGI programs stay stock."""
    if type(program) is process.Subprocess and not isinstance(group, process.EventListenerPool):
        program.__class__ = Program


def _convert_future_programs() -> None:
    """`supervisorctl update` creates programs later."""
    stock = options.ProcessConfig.make_process
    if hasattr(stock, "__wrapped__"):
        return

    @functools.wraps(stock)
    def make_process(self: Any, group: Any = None) -> Any:
        program = stock(self, group)
        _convert(program, group)
        return program

    options.ProcessConfig.make_process = make_process


def _make_start_end_backoff() -> None:
    """`supervisorctl start x` during a backoff starts x now; stock reports "already started" and keeps waiting."""
    stock = SupervisorNamespaceRPCInterface.startProcess
    if hasattr(stock, "__wrapped__"):
        return

    @functools.wraps(stock)
    def start_process(self: Any, name: str, wait: bool = True) -> Any:
        program = self._getGroupAndProcess(name)[1]
        if isinstance(program, Program) and program.state == ProcessStates.BACKOFF:
            program.stop()
        return stock(self, name, wait)

    SupervisorNamespaceRPCInterface.startProcess = start_process
