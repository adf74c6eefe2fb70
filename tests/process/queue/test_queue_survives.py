"""ComfyUI's queue survives: with the real handover node, in a stand-in that has ComfyUI's queue."""

from __future__ import annotations

import json
import os
import pathlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from entrypoint.queue.inside.lease import hold
from entrypoint.queue.inside.names import DRAIN, REQUEST
from entrypoint.settings.paths import DRAIN_REQUEST
from entrypoint.supervision.prober.prompt_worker import Queue
from entrypoint.supervision.prober.targets import ProbeConfig, Target
from entrypoint.supervision.prober.watch import Folders, Watch
from tests.support.running_queue import DEADLY, QueueComfyUI, saving
from tests.support.waiting import wait_until

Start = Callable[..., QueueComfyUI]


@pytest.fixture
def start(tmp_path: pathlib.Path) -> Iterator[Start]:
    """Starts the stand-in of a pod on one volume."""
    made: list[QueueComfyUI] = []

    def start(pod: str = "pod-a", mode: str = "true") -> QueueComfyUI:
        comfyui = QueueComfyUI(tmp_path / f"run-{pod}", tmp_path / "data", pod, mode)
        made.append(comfyui)
        comfyui.start()
        return comfyui

    yield start
    for each in made:
        each.kill()


def ask(comfyui: QueueComfyUI, verb: str, *ids: str) -> None:
    (comfyui.folder / "requests" / f"{REQUEST}1").write_text(json.dumps({"do": verb, "ids": ids}))


def test_a_killed_comfyui_runs_the_rest_of_its_queue_each_once(start: Start) -> None:
    comfyui = start()
    ids = [comfyui.queue(saving(f"{n}", 0.05 if n == 1 else 0.4)) for n in range(1, 6)]
    wait_until(lambda: comfyui.running() == [ids[1]], 10, "the second runs")
    comfyui.kill()
    comfyui.start()
    comfyui.wait_for_saved(["1", "2", "3", "4", "5"])
    assert comfyui.lines("began") == [*ids[:2], *ids[1:]]
    history = comfyui.ask("/history")
    assert list(history) == ids[1:]
    assert {each["prompt"][3]["client_id"] for each in history.values()} == {"a-browser"}
    last = comfyui.queue(saving("last"))
    wait_until(lambda: last in comfyui.ask("/history"), 10, "it has run")
    assert comfyui.ask("/history")[last]["prompt"][0] > comfyui.ask("/history")[ids[4]]["prompt"][0]


def test_order_front_deletion_and_clearing_are_kept(start: Start) -> None:
    comfyui = start()
    first = comfyui.queue(saving("first", 60))
    b, c, d = (comfyui.queue(saving(name, 60)) for name in "bcd")
    front = comfyui.queue(saving("front", 60), front=True)
    comfyui.ask("/queue", {"delete": [c]})
    comfyui.kill()
    comfyui.start()
    wait_until(lambda: len(comfyui.waiting()) == 3, 10, "they are back")
    assert (comfyui.running(), comfyui.waiting()) == ([front], [first, b, d])
    comfyui.ask("/queue", {"clear": True})
    comfyui.ask("/interrupt", {})
    ends = {front: "interrupted", **dict.fromkeys((first, b, d), "cleared")}
    lines = [f'"{each}","how":"{how}"' for each, how in ends.items()]
    wait_until(lambda: all(line in comfyui.journal() for line in lines), 10, "their ends are kept")
    comfyui.kill()
    comfyui.start()
    assert (comfyui.running(), comfyui.waiting()) == ([], [])


def test_a_workflow_that_ends_comfyui_twice_is_set_aside_and_blocks_no_other(start: Start) -> None:
    comfyui = start()
    deadly = comfyui.ask("/prompt", {"prompt": saving("before", 0.3)}) and comfyui.queue(DEADLY)
    comfyui.queue(saving("after"))
    for _ in range(2):
        wait_until(lambda: comfyui.process and comfyui.process.poll() is not None, 10, "it has died")
        comfyui.start()
    comfyui.wait_for_saved(["before", "after"])
    (aside,) = wait_until(lambda: comfyui.report().get("aside"), 5, "it is reported")
    assert (aside["id"], aside["why"]) == (deadly, "ComfyUI died 2 times while it ran")
    ask(comfyui, "drop", deadly)
    wait_until(lambda: comfyui.report()["aside"] == [], 5, "it was dropped")
    assert comfyui.responds()


def test_a_clean_stop_is_no_fault_of_what_ran(start: Start) -> None:
    comfyui = start()
    slow = comfyui.queue(saving("slow", 60))
    for _ in range(2):
        wait_until(lambda: comfyui.running() == [slow], 10, "it runs")
        comfyui.end()
        comfyui.start()
    assert comfyui.report()["aside"] == []


def test_what_has_finished_is_not_run_again_though_its_end_was_not_written(start: Start) -> None:
    comfyui = start()
    comfyui.queue(saving("once", then="die"))
    wait_until(lambda: comfyui.process and comfyui.process.poll() is not None, 10, "it has died behind the output")
    assert '"how"' not in comfyui.journal()
    comfyui.start()
    comfyui.queue(saving("next"))
    comfyui.wait_for_saved(["once", "next"])


def test_of_several_outputs_those_that_are_missing_are_made(start: Start) -> None:
    comfyui = start()
    graph = saving("one", then="die") | {"3": {"class_type": "Save", "inputs": {"name": "two"}}}
    comfyui.queue(graph)
    wait_until(lambda: comfyui.process and comfyui.process.poll() is not None, 10, "it has died between the outputs")
    comfyui.start()
    comfyui.wait_for_saved(["one", "two"])


def test_secrets_stay_out_of_the_journal_and_what_needs_them_is_set_aside(start: Start) -> None:
    comfyui = start()
    comfyui.queue(saving("slow", 60))
    extra = {"api_key_comfy_org": "sekrit-1", "auth_token_comfy_org": "sekrit-2", "my_token": "sekrit-3", "x": "kept"}
    comfyui.queue(saving("plain"), extra_data=extra)
    paid = comfyui.queue({"1": {"class_type": "Api", "inputs": {"name": "paid"}}}, extra_data=extra)
    assert "sekrit" not in comfyui.journal()
    assert '"x":"kept"' in comfyui.journal()
    comfyui.end()
    comfyui.start()
    (aside,) = wait_until(lambda: comfyui.report().get("aside"), 5, "it is reported")
    assert aside["id"] == paid
    assert "needs the login to comfy.org" in aside["why"]
    assert len(comfyui.waiting()) == 1


def test_a_workflow_that_cannot_run_any_more_is_set_aside_with_comfyuis_reason(start: Start) -> None:
    comfyui = start()
    comfyui.queue(saving("slow", 60))
    comfyui.queue(saving("gone"))
    comfyui.end()
    path = comfyui.data / f".podkeeper/queue/{comfyui.pod}.journal"
    _damage(path, b'"gone"', b'"g\xff\xffe"')  # a damaged record is skipped, alone
    comfyui.start()
    wait_until(lambda: len(comfyui.running()) == 1, 5, "the other record was used")
    wait_until(lambda: comfyui.report().get("damaged") == 1, 5, "it is told")
    assert comfyui.conditions() == {"QueueDamaged"}
    broken = comfyui.queue(saving("x") | {"9": {"class_type": "Work", "inputs": {"seconds": 0}}})
    comfyui.end()
    _rename_node(path)
    comfyui.start()
    (aside,) = wait_until(lambda: comfyui.report().get("aside"), 5, "it is reported")
    assert aside["id"] == broken
    assert "Node 'Wxrk' not found" in aside["why"]


def _damage(path: pathlib.Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def _rename_node(path: pathlib.Path) -> None:
    """As if a custom node was removed: the last prompt's record, with a right checksum."""
    from entrypoint.queue.inside.record import decode, encode

    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        found = decode(line)
        if found and b'"name":"x"' in found[1]:
            lines[number] = encode(found[0], found[1].replace(b"Work", b"Wxrk"))
    path.write_bytes(b"".join(lines))


def test_ask_waits_for_an_answer(start: Start) -> None:
    comfyui = start(mode="ask")
    ids = [comfyui.queue(saving(name, 60)) for name in "ab"]
    comfyui.kill()
    comfyui.start()
    wait_until(lambda: comfyui.report().get("asked") == 2, 5, "both wait")
    assert (comfyui.running(), comfyui.waiting()) == ([], [])
    assert comfyui.conditions() == {"QueueWaits"}
    (comfyui.folder / "requests" / f"{REQUEST}0-a-folder").mkdir()
    ask(comfyui, "drop", ids[0])
    wait_until(lambda: comfyui.report()["asked"] == 1, 5, "one was dropped")
    drain = comfyui.folder / "requests" / DRAIN
    drain.touch()  # while the worker waits for its next prompt
    ask(comfyui, "restore")
    wait_until(lambda: comfyui.waiting() == [ids[1]], 5, "the other is queued")
    wait_until(lambda: comfyui.report()["drained"], 5, "the pod is drained")
    assert comfyui.running() == []
    drain.unlink()
    wait_until(lambda: comfyui.running() == [ids[1]], 5, "the other runs")
    wait_until(lambda: comfyui.conditions() == set(), 5, "nothing waits any more")


def test_false_keeps_nothing(start: Start) -> None:
    comfyui = start(mode="false")
    comfyui.queue(saving("slow", 60))
    assert not (comfyui.data / ".podkeeper/queue").exists()


def test_a_second_post_of_an_id_queues_nothing(start: Start) -> None:
    comfyui = start()
    comfyui.queue(saving("slow", 60))
    name = str(uuid.uuid4())
    body = {"prompt": saving("x"), "prompt_id": name}
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: comfyui.ask("/prompt", body), range(4)), comfyui.ask("/prompt", body)]
    assert answers == [{"prompt_id": name, "number": 1, "node_errors": {}}] * 5
    assert comfyui.waiting() == [name]


def test_a_drained_comfyui_accepts_and_begins_nothing_and_keeps_what_waits(start: Start) -> None:
    comfyui = start()
    comfyui.queue(saving("runs", 0.5))
    waits = comfyui.queue(saving("waits"))
    flag = comfyui.folder / "requests/comfyui-drain"
    flag.touch()
    status, body, headers = comfyui.status("/prompt", {"prompt": saving("new")})
    assert (status, body["error"]["type"], headers["Retry-After"]) == (503, "podkeeper_drain", "60")
    wait_until(lambda: not comfyui.running(), 5, "what ran has finished")
    assert (comfyui.waiting(), comfyui.lines("saved")) == ([waits], ["runs"])
    assert seen_by_the_prober(comfyui) == Queue((), 0)  # else it would take the worker for dead, and kill ComfyUI
    comfyui.kill()
    comfyui.start()
    wait_until(lambda: comfyui.waiting() == [waits], 5, "it is back, and waits")
    assert DRAIN == DRAIN_REQUEST
    assert comfyui.running() == []
    flag.unlink()
    comfyui.wait_for_saved(["runs", "waits"])


def seen_by_the_prober(comfyui: QueueComfyUI) -> Queue | None:
    target = Target("comfyui", comfyui.port, "/system_stats", 60, "INT", 6, True, 0, True)
    return Watch(target, ProbeConfig(), Folders(str(comfyui.folder), str(comfyui.folder))).get_queue()


def test_the_next_pod_runs_the_queue_of_a_dead_one_and_leaves_a_living_ones(start: Start) -> None:
    """A dead pod holds no lease; the lock says so at once, where both see the same mount."""
    dead, living = start("pod-a"), start("pod-b")
    ids = [dead.queue(saving(name, 60)) for name in "ab"]
    own = living.queue(saving("own", 60))
    lease = hold(str(dead.data / ".podkeeper/queue"), "pod-b")  # a descriptor of this process, which lives
    try:
        gone = hold(str(dead.data / ".podkeeper/queue"), "pod-a")
        os.close(gone)
        dead.kill()
        third = start("pod-c")
        wait_until(lambda: third.running() == ids[:1] and third.waiting() == ids[1:], 10, "it runs the dead one's")
        assert living.running() == [own]
        assert not (dead.data / ".podkeeper/queue/pod-a.journal").exists()
        dead.start()  # that pod comes back after all: its queue has gone
        assert (dead.running(), dead.waiting()) == ([], [])
    finally:
        os.close(lease)


def test_a_pod_whose_queue_was_taken_over_forgets_it(start: Start) -> None:
    """It had not responded for longer than its lease: the next one to begin here would run twice."""
    frozen = start("pod-a")
    frozen.queue(saving("first", 0.5))
    theirs = [frozen.queue(saving(name)) for name in "bc"]
    folder = frozen.data / ".podkeeper/queue"
    (folder / "pod-a.journal").rename(folder / "pod-z.pod-a.taken")
    wait_until(lambda: not frozen.running() and not frozen.waiting(), 10, "nothing waits any more")
    assert frozen.lines("saved") == ["first"]
    assert not set(theirs) & set(frozen.ask("/history"))
    frozen.queue(saving("new"))
    wait_until(lambda: frozen.lines("saved") == ["first", "new"], 10, "it works on")


def test_a_volume_that_refuses_is_told_and_comfyui_works(start: Start, tmp_path: pathlib.Path) -> None:
    (tmp_path / "data/.podkeeper").mkdir(parents=True)
    (tmp_path / "data/.podkeeper/queue").write_text("a file in its place")
    comfyui = start()
    assert "File exists" in comfyui.report()["problem"]
    assert comfyui.conditions() == {"QueueNotKept"}
    comfyui.queue(saving("x"))
    comfyui.wait_for_saved(["x"])
