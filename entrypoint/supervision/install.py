"""A: puts the plugin into a supervisord that has built its programs and started none."""

from collections.abc import Mapping
from typing import Any

from supervisor import events, options, process

from entrypoint.supervision import operator, orphans
from entrypoint.supervision.keeper import Keeper
from entrypoint.supervision.plugin_config import parse_section
from entrypoint.supervision.program import Program


class Interface:
    """The `podkeeper` RPC namespace. Empty: what the plugin knows is in files that any process can read."""


def install(supervisord: Any, lines: Mapping[str, str]) -> Interface:
    """Take over. Called again after each reload, with a new `supervisord`."""
    keeper = Keeper(supervisord, parse_section(lines))
    Program.keeper = keeper
    _adopt_future_programs()
    for group in supervisord.process_groups.values():
        for program in group.processes.values():
            _adopt(program, group)
    operator.let_start_end_backoff()
    orphans.adopt_descendants()
    events.subscribe(events.SupervisorStoppingEvent, keeper.shutdown.begin)
    keeper.wakeup.install()
    return Interface()


def _adopt(program: Any, group: Any) -> None:
    """The objects exist already, so their class is changed; event listeners and FastCGI stay as they are."""
    if type(program) is process.Subprocess and not isinstance(group, process.EventListenerPool):
        program.__class__ = Program


def _adopt_future_programs() -> None:
    """`supervisorctl update` makes programs later on."""
    stock = options.ProcessConfig.make_process
    if getattr(stock, "adopts", False):
        return

    def make_process(self: Any, group: Any = None) -> Any:
        program = stock(self, group)
        _adopt(program, group)
        return program

    make_process.adopts = True  # type: ignore[attr-defined]
    options.ProcessConfig.make_process = make_process
