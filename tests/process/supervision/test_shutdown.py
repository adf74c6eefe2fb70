"""Shutdown: parallel, in order, inside its time limit, at any moment, with no process left."""

import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.supervision.pod import PYTHON, Pod, alive, read, zombies_of
from tests.support.waiting import wait_until

STUBBORN = """
[program:{name}]
command=sh -c 'trap "" TERM; touch {{folder}}/{name}-up; while :; do sleep 0.2; done'
autorestart=true
startsecs=0
stopwaitsecs=2
stopasgroup=true
killasgroup=true
"""
TWO_STUBBORN = STUBBORN.format(name="a") + STUBBORN.format(name="b")


@pytest.mark.parametrize("stock", [False, True])
def test_stop_takes_the_longest_not_the_sum(stock: bool) -> None:
    """Two programs that ignore SIGTERM for 2 s each; stock needs their sum (negative control)."""
    with Pod(TWO_STUBBORN, stock=stock) as pod:
        wait_until(lambda: pod.lines("a-up") == [] and (pod.folder / "b-up").exists(), 10, "both are up")
        wait_until(lambda: (pod.folder / "a-up").exists(), 10, "a is up")
        code, seconds = pod.stop()
        assert code == 0
        assert (seconds > 3.9) if stock else (1.5 < seconds < 3.5)
        assert pod.processes() == []


def test_stop_ends_in_time_with_any_stopwaitsecs() -> None:
    """stopwaitsecs beyond the container engine's timeout: killed a second before `stop_within`."""
    with Pod(TWO_STUBBORN.replace("stopwaitsecs=2", "stopwaitsecs=60"), settings="stop_within=3\n") as pod:
        wait_until(lambda: (pod.folder / "b-up").exists() and (pod.folder / "a-up").exists(), 10, "both are up")
        code, seconds = pod.stop()
        assert code == 0
        assert seconds < 3.5
        assert pod.processes() == []


def test_idle_programs_stop_at_once() -> None:
    """No turn of a 1 s poll is waited for."""
    programs = "".join(f"[program:p{n}]\ncommand=sleep 1000\nstartsecs=0\n" for n in range(4))
    with Pod(programs) as pod:
        for n in range(4):
            pod.program(f"p{n}")
        code, seconds = pod.stop()
        assert code == 0
        assert seconds < 1


LOGS_LAST = """
[program:logs]
command=sh -c 'trap "echo logs >> {folder}/order; exit 0" TERM; touch {folder}/up; while :; do sleep 0.05; done'
priority=1
startsecs=0
[program:slow]
command=sh -c 'trap "sleep 0.7; echo slow >> {folder}/order; exit 0" TERM; while :; do sleep 0.05; done'
startsecs=0
stopwaitsecs=5
"""


def test_log_forwarder_is_stopped_last() -> None:
    """The last lines of the others are still forwarded."""
    with Pod(LOGS_LAST) as pod:
        wait_until(lambda: (pod.folder / "up").exists() and pod.info("slow").get("pid"), 10, "both are up")
        time.sleep(0.2)  # the trap of `slow` is set before its first sleep, at an unknown time
        pod.stop()
        assert pod.lines("order") == ["slow", "logs"]


def test_log_forwarder_is_stopped_with_the_rest_where_it_is_not_last() -> None:
    """Negative control of the order: without `last` it ends first."""
    with Pod(LOGS_LAST, settings="last=\n") as pod:
        wait_until(lambda: (pod.folder / "up").exists() and pod.info("slow").get("pid"), 10, "both are up")
        time.sleep(0.2)
        pod.stop()
        assert pod.lines("order") == ["logs", "slow"]


DOCKER_CAPABILITIES = (
    "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_raw,+sys_chroot,+mknod"
)
LEAVES_ORPHANS = """
[program:x]
command=sh -c 'setsid sh -c "setsid sleep 2000 & exec sleep 1000" & exec sleep 1000'
autorestart=true
startsecs=0
stopasgroup=true
killasgroup=true
"""


def orphans(pod: Pod) -> list[int]:
    return [pid for pid in pod.processes() if read(f"/proc/{pid}/cmdline").startswith(b"sleep")]


def test_orphans_are_swept_after_crash_and_stop() -> None:
    """Grandchildren in sessions of their own: only those of the living start remain."""
    with Pod(LEAVES_ORPHANS, settings="sweep=x\nstable_after=0\n") as pod:
        for _ in range(5):
            first = pod.program("x")
            wait_until(lambda: len(orphans(pod)) == 3, 10, "a program, two descendants")
            old = set(orphans(pod))
            os.kill(first, signal.SIGKILL)
            pod.wait_replaced("x", first, 10)
            pod.wait_gone(old, 5)
        pod.control("stop", "x")
        wait_until(lambda: not orphans(pod), 5, "no process is left after a stop")
        wait_until(lambda: not zombies_of(pod.pid), 5, "no zombies")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_orphans_of_another_user_are_swept_without_ptrace() -> None:
    """As in a container: root without CAP_SYS_PTRACE, services of another user (RUN_AS)."""
    without_ptrace = ("setpriv", "--bounding-set", DOCKER_CAPABILITIES)
    programs = LEAVES_ORPHANS + "user=nobody\n"
    with Pod(programs, settings="sweep=x\nstable_after=0\n", wrap=without_ptrace) as pod:
        first = pod.program("x")
        wait_until(lambda: len(orphans(pod)) == 3, 10, "a program, two descendants")
        old = set(orphans(pod))
        os.kill(first, signal.SIGKILL)
        pod.wait_replaced("x", first, 10)
        pod.wait_gone(old, 5)


@pytest.mark.parametrize("stock", [False, True])
def test_orphans_survive_where_they_are_not_swept(stock: bool) -> None:
    """Jupyter's terminals hold users' tmux and nohup jobs; and stock never sweeps (negative control)."""
    with Pod(LEAVES_ORPHANS, stock=stock) as pod:
        first = pod.program("x")
        wait_until(lambda: len(orphans(pod)) == 3, 10, "a program, two descendants")
        os.kill(first, signal.SIGKILL)
        pod.wait_replaced("x", first, 10)
        wait_until(lambda: len(orphans(pod)) == 5, 5, "the old descendants live on")


@pytest.mark.parametrize("pid1", [True, False])
def test_orphans_are_reparented_and_reaped(pid1: bool) -> None:
    """As PID 1 and as a subreaper: an orphan that ends leaves no zombie."""
    programs = "[program:x]\ncommand=sh -c 'for i in 1 2 3; do (sleep 0.2 &); done; exec sleep 1000'\n"
    with Pod(programs, pid1=pid1) as pod:
        wait_until(lambda: pod.log().count("reaped unknown pid") >= 3, 10, "three orphans are reaped")
        assert zombies_of(pod.pid) == []


def test_shutdown_by_the_operator_and_reload() -> None:
    """`supervisorctl reload` brings everything up again, more than once; `supervisorctl shutdown` exits 0."""
    with Pod("[program:x]\ncommand=sleep 1000\nautorestart=true\nstartsecs=0\n") as pod:
        for _ in range(2):
            first = pod.program("x")
            descriptors = len(os.listdir(f"/proc/{pod.pid}/fd"))
            pod.control("reload")
            pod.wait_replaced("x", first, 10)
        # Not at once: the connection that asked may still be closing.
        folder = f"/proc/{pod.pid}/fd"
        wait_until(lambda: len(os.listdir(folder)) <= descriptors, 5, "no descriptor more than before")
        os.kill(pod.program("x"), signal.SIGKILL)
        wait_until(lambda: pod.restarts("x")[-1:] and pod.state("x") == "RUNNING", 5, "restarts are still ours")
        pod.control("shutdown")
        assert pod.process.wait(10) == 0


def test_in_the_image_sighup_changes_nothing() -> None:
    """Stock supervisord restarts every program."""
    with Pod("[program:x]\ncommand=sleep 1000\nautorestart=true\nstartsecs=0\n") as pod:
        first = pod.program("x")
        for _ in range(3):
            pod.send(signal.SIGHUP)
            assert "RUNNING" in pod.control("status", "x")  # supervisord has gone through its loop
        assert pod.program("x") == first
        assert pod.process.poll() is None


def test_children_have_a_higher_oom_score_than_supervisord() -> None:
    """Their oom_score_adj is above supervisord's, so PID 1 is never the victim."""
    with Pod("[program:x]\ncommand=sleep 1000\n") as pod:
        own = int(read(f"/proc/{pod.pid}/oom_score_adj"))
        assert int(read(f"/proc/{pod.program('x')}/oom_score_adj")) == min(1000, own + 200)


def test_children_get_a_clean_signal_setup() -> None:
    """Nothing blocked, nothing ignored: a program must get its SIGTERM."""
    with Pod("[program:x]\ncommand=sleep 1000\n") as pod:
        status = read(f"/proc/{pod.program('x')}/status").decode()
        blocked = next(line for line in status.splitlines() if line.startswith("SigBlk"))
        assert int(blocked.split()[1], 16) == 0


BOOT_PROGRAMS = """
[program:logs]
command=sleep 1000
priority=1
[program:a]
command=sh -c 'sleep 0.4; exit 1'
autorestart=true
startsecs=1
stopasgroup=true
killasgroup=true
[program:b]
command={python} -c 'import time; time.sleep(1000)'
autorestart=true
startsecs=1
[program:c]
command=sleep 1000
autorestart=true
startsecs=1
stopsignal=INT
"""


def _is_python(pid: int) -> bool:
    """Whether `unshare` has executed Python."""
    return read(f"/proc/{pid}/cmdline").startswith(PYTHON.encode())


def _blocks_signals(pid: int) -> bool:
    """Whether the entrypoint's first instruction has run; `unshare` blocks SIGTERM too, before it becomes Python."""
    if not _is_python(pid):
        return False
    status = read(f"/proc/{pid}/status").decode()
    mask = next((line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")), "0")
    return bool(int(mask, 16) & 1 << (signal.SIGTERM - 1))


def _term_after(delay: float, stock: bool = False) -> tuple[float, int | str, list[int]]:
    with Pod(BOOT_PROGRAMS, pid1=True, stock=stock) as pod:
        pid = pod.pid
        begun = _is_python if stock else _blocks_signals
        wait_until(lambda: begun(pid), 20, "the first instruction has run", interval=0.001)
        time.sleep(delay)
        pod.send(signal.SIGTERM)
        try:
            code: int | str = pod.process.wait(12)
        except subprocess.TimeoutExpired:
            code = "lost"
        return delay, code, pod.processes()


def test_sigterm_is_honoured_at_any_moment() -> None:
    """As PID 1, at 50 delays from the first instruction on to 3 s later: exit 0 every time, no process left."""
    delays = [n * 3.0 / 49 for n in range(50)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(_term_after, delays))
    assert [result for result in results if result[1:] != (0, [])] == []


def test_stock_loses_an_early_sigterm() -> None:
    """Negative control: as PID 1 a SIGTERM before the handlers are installed is ignored by the kernel."""
    _, code, _ = _term_after(0.0, stock=True)  # 0.1 s later a busy machine may have installed them
    assert code == "lost"


def test_sigterm_storm_during_spawns() -> None:
    """A program that flaps as fast as it can while the stop arrives: no start slips through, no 1 s wait."""
    flap = "[program:x]\ncommand=true\nautorestart=true\nstartsecs=0\n"
    for _ in range(10):
        with Pod(flap + BOOT_PROGRAMS, settings="stable_after=0\n") as pod:
            pod.wait_starts("x", 21, 10)
            code, seconds = pod.stop()
            assert code == 0
            assert seconds < 1.5
            assert pod.processes() == []


def test_stalled_log_reader_stops_nothing() -> None:
    """Our stdout is a full pipe without a reader: restarts continue."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while os.write(write_end, b"x" * 65536):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(write_end, True)
    programs = "[program:x]\ncommand=sh -c 'yes | head -c 300000; exec sleep 1000'\nautorestart=true\nstartsecs=0\n"
    try:
        with Pod(programs + "stdout_logfile={folder}/x.log\n", stdout=write_end, settings="stable_after=0\n") as pod:
            for _ in range(3):
                first = pod.program("x")
                os.kill(first, signal.SIGKILL)
                pod.wait_replaced("x", first, 5)
            assert alive(pod.pid)
            assert pod.stop()[0] == 0
    finally:
        os.close(read_end)
        os.close(write_end)


def test_interpreter_is_the_one_that_runs_the_tests() -> None:
    """The pods of these tests load this checkout's plugin (a .pth line), not an installed one."""
    where = subprocess.run(
        [PYTHON, "-I", "-c", "import entrypoint; print(entrypoint.__file__)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.strip().startswith(os.getcwd())
