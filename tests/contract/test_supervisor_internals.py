"""Every internal of supervisor that the plugin leans on, by name. An upgrade that moves one fails here first.

No process is started; tests/process shows that what we build on these names works.
"""

import ast
import importlib.metadata
import inspect
import os
import textwrap
from typing import Any

import pytest
from supervisor import events, options, poller, process, rpcinterface, states, supervisord
from supervisor.datatypes import RestartUnconditionally, RestartWhenExitUnexpected
from supervisor.medusa import asyncore_25 as asyncore


def test_version_is_the_one_we_read() -> None:
    """Read line by line; another version means reading again."""
    assert importlib.metadata.version("supervisor") == "4.3.0"


NAMES: list[tuple[Any, str]] = [
    (asyncore, "ExitNow"),
    (asyncore, "socket_map"),
    (asyncore.dispatcher, "accepting"),
    (events, "SupervisorRunningEvent"),
    (events, "SupervisorStoppingEvent"),
    (events, "subscribe"),
    (events, "clear"),
    (options, "ProcessConfig"),
    (options.ProcessConfig, "make_process"),
    (options.ServerOptions, "cleanup"),
    (options.ServerOptions, "close_parent_pipes"),
    (options.ServerOptions, "get_socket_map"),
    (options.SignalReceiver, "get_signal"),
    (poller.PollPoller, "poll"),
    (process, "EventListenerPool"),
    (process.ProcessGroup, "get_unstopped_processes"),
    (process.Subprocess, "_spawn_as_child"),
    (process.Subprocess, "change_state"),
    (process.Subprocess, "finish"),
    (process.Subprocess, "give_up"),
    (process.Subprocess, "kill"),
    (process.Subprocess, "record_spawnerr"),
    (process.Subprocess, "spawn"),
    (process.Subprocess, "stop"),
    (process.Subprocess, "transition"),
    (rpcinterface.SupervisorNamespaceRPCInterface, "_getGroupAndProcess"),
    (rpcinterface.SupervisorNamespaceRPCInterface, "startProcess"),
    (states, "getProcessStateDescription"),
    (supervisord.Supervisor, "stop_groups"),
]


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_name_exists(owner: Any, name: str) -> None:
    """It is where we use it."""
    assert hasattr(owner, name)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (process.Subprocess.spawn, ["self"]),
        (process.Subprocess._spawn_as_child, ["self", "filename", "argv"]),
        (process.Subprocess.change_state, ["self", "new_state", "expected"]),
        (process.Subprocess.finish, ["self", "pid", "sts"]),
        (process.Subprocess.kill, ["self", "sig"]),
        (process.Subprocess.transition, ["self"]),
        (options.ProcessConfig.make_process, ["self", "group"]),
        (poller.PollPoller.poll, ["self", "timeout"]),
    ],
)
def test_overridden_methods_take_what_ours_take(method: Any, parameters: list[str]) -> None:
    """Also when the plugin has already replaced make_process in this process."""
    assert list(inspect.signature(method).parameters) == parameters


ATTRIBUTES = [
    "backoff", "config", "delay", "dispatchers", "exitstatus", "group", "killing", "laststart", "pid", "pipes",
    "spawnerr", "state",
]  # fmt: skip


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_process_attributes_are_class_attributes(name: str) -> None:
    """A process that was built before us has them, with supervisord's defaults."""
    assert name in vars(process.Subprocess)


def test_process_attributes_are_plain_so_that_changing_the_class_works() -> None:
    """`__class__` can only be changed between classes of the same layout."""
    assert not hasattr(process.Subprocess, "__slots__")
    assert type(process.Subprocess) is type


def calls(function: Any) -> list[str]:
    """The dotted names a function calls, in the order of the text."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return [ast.unparse(node.func) for node in nodes]


def before(order: list[str], first: str, second: str) -> bool:
    return order.index(first) < order.index(second)


def test_factories_run_after_groups_and_before_signal_handlers() -> None:
    """So that the programs exist when we adopt them, and a held-back signal waits for the handlers."""
    order = calls(supervisord.Supervisor.run)
    assert before(order, "events.clear", "self.add_process_group")
    assert before(order, "self.add_process_group", "self.options.openhttpservers")
    assert before(order, "self.options.openhttpservers", "self.options.setsignals")
    assert before(order, "self.options.setsignals", "self.runforever")
    assert order[-1] == "self.options.cleanup"


def test_the_loop_runs_its_steps_in_the_expected_order() -> None:
    """Running event first; stopping event before the stop of a group; poll, transition, reap, signal."""
    order = calls(supervisord.Supervisor.runforever)
    assert before(order, "events.SupervisorRunningEvent", "self.options.poller.poll")
    assert before(order, "events.SupervisorStoppingEvent", "self.ordered_stop_groups_phase_1")
    assert before(order, "self.options.poller.poll", "group.transition")
    assert before(order, "group.transition", "self.reap")
    assert before(order, "self.reap", "self.handle_signal")
    source = inspect.getsource(supervisord.Supervisor.runforever)
    assert source.index("self.stop_groups = pgroups[:]") < source.index("SupervisorStoppingEvent")


def test_signals_are_queued_under_this_name() -> None:
    """And one is taken per turn."""
    assert options.SignalReceiver()._signals_recvd == []
    assert calls(supervisord.Supervisor.handle_signal).count("self.options.get_signal") == 1


def test_spawn_forks_between_parent_and_child_methods() -> None:
    """Our mask is around the fork, our child set-up before stock's."""
    order = calls(process.Subprocess.spawn)
    assert before(order, "options.fork", "self._spawn_as_child")
    assert "os.environ.copy" in calls(process.Subprocess._spawn_as_child), "the mark travels in os.environ"


def test_linux_has_the_poller_we_clip() -> None:
    """PollPoller; its time-out is in seconds."""
    assert poller.Poller is poller.PollPoller


def test_state_numbers_and_moods() -> None:
    """Their order matters: `mood < RUNNING` is a shutdown or a reload."""
    moods = states.SupervisorStates
    assert moods.SHUTDOWN < moods.RESTARTING < moods.RUNNING
    assert states.STOPPED_STATES == (0, 100, 200, 1000)
    assert states.ProcessStates.BACKOFF in states.RUNNING_STATES


def test_autorestart_values() -> None:
    """`true` and `unexpected` are these two; `false` is false."""
    assert RestartUnconditionally
    assert RestartWhenExitUnexpected


def test_wait_status_can_be_decoded() -> None:
    """finish() gets what waitpid gave."""
    assert os.waitstatus_to_exitcode(9) == -9
