"""A: makes the operator's commands do what they say while a program waits for its restart."""

import functools
from typing import Any

from supervisor.rpcinterface import SupervisorNamespaceRPCInterface as Stock
from supervisor.states import ProcessStates

from entrypoint.supervision.program import Program


def let_start_end_backoff() -> None:
    """`supervisorctl start x` during a countdown starts x now; stock says "already started" and waits on."""
    stock = Stock.startProcess
    if hasattr(stock, "__wrapped__"):
        return

    @functools.wraps(stock)
    def start_process(self: Any, name: str, wait: bool = True) -> Any:
        program = self._getGroupAndProcess(name)[1]
        if isinstance(program, Program) and program.state == ProcessStates.BACKOFF:
            program.stop()
        return stock(self, name, wait)

    Stock.startProcess = start_process
