"""Which file comes first, and waiting for it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from entrypoint.models.download.queue import DownloadQueue
from entrypoint.models.fetch_order import FetchOrder, put, read_priority
from entrypoint.models.progress import Transfer
from entrypoint.models.sources.model_file import File
from entrypoint.models.waiting import wait_for
from tests.support.models.fetcher import FAST, Scene, hub_file
from tests.support.models.origin import Origin
from tests.support.models.pod import Pod
from tests.support.waiting import wait_until

KEYS = 'source = "huggingface"\nrepo_id = "o/r"\n'


@pytest.fixture
def pod(tmp_path: Path) -> Iterator[Pod]:
    """Bundles A, B and C of one file each, of growing size."""
    with Origin() as origin:
        pod = Pod(tmp_path, origin)
        text = "schema = 1\n[bundles.A]\n[bundles.B]\n[bundles.C]\n"
        for number, name in enumerate("ABC"):
            origin.put(f"{name}.bin", random.Random(name).randbytes(100_000 + number))
            text += f'[[files]]\nbundle = "{name}"\n{KEYS}path = "{name}.bin"\ndest = "loras/{name}.bin"\n'
        Path(pod.paths.data, "models.toml").write_text(text)
        yield pod


def file(name: str) -> File:
    return File(
        bundle=name, source="huggingface", dest=f"loras/{name}.bin", keys={"repo_id": "o/r", "path": f"{name}.bin"}
    )


def test_first_and_later_are_kept_and_an_unknown_name_is_refused(pod: Pod) -> None:
    code, text = pod.run("first", "C", "loras/B.bin")
    assert (code, text) == (0, "models: C loras/B.bin: fetched first, also after a restart\n")
    assert pod.run("later", "A")[0] == 0
    code, text = pod.run("first", "NOWHERE")
    assert (code, "there is no bundle or file NOWHERE" in text) == (2, True)
    order = FetchOrder(pod.paths)
    assert sorted("ABC", key=lambda name: order.rank(file(name))) == ["C", "B", "A"]
    code, text = pod.run("fetch", MODELS_RATE_LIMIT="1")
    assert code == 0, text
    assert [line.split()[1] for line in text.splitlines() if "is complete: 1 files" in line] == ["C", "B", "A"]


def test_files_are_fetched_by_rank_and_then_the_largest_first(tmp_path: Path) -> None:
    with Origin() as origin:
        scene = Scene(tmp_path, origin, limits=replace(FAST, files=1))
        files = [hub_file(f"{name}.bin") for name in "abcd"]
        for number, each in enumerate(files):
            origin.put(each.keys["path"], random.Random(number).randbytes(1000 + number))

        async def work() -> None:
            transfers = [Transfer(each) for each in files]
            async with scene.session() as session:
                queue = DownloadQueue(session, scene.store, transfers, print, lambda each: (each is not files[1],))
                await queue.survey()
                origin.hits.clear()
                await queue.run(tuple(files))

        asyncio.run(work())
        assert list(dict.fromkeys(hit.path[1] for hit in origin.requests("cdn"))) == ["b", "d", "c", "a"]


def test_what_a_kept_order_may_be_is_no_reason_to_fail(pod: Pod) -> None:
    put(pod.paths, "A", first=True)
    path = Path(pod.paths.models_state, "models-order.json")
    for content in ("", "{", "[]", '{"first": 5}'):
        path.write_text(content)
        assert read_priority(pod.paths).first == ()
    path.unlink()
    path.mkdir()
    assert read_priority(pod.paths).first == ()


def test_wait_returns_when_the_file_is_there(pod: Pod) -> None:
    waiting = pod.start("wait", "loras/A.bin", "B", "--timeout", "60")
    assert pod.run("fetch", "A", "B")[0] == 0
    assert waiting.wait(30) == 0


def test_wait_tells_a_failure_and_the_end_of_its_time(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    assert wait_for(pod.paths, [file("A")], 0.1) == 75
    assert wait_for(pod.paths, [file("A")], 0, patience_s=0.1) == 1
    assert "nothing fetches loras/A.bin: podkeeper models fetch A" in capsys.readouterr().out
    del pod.origin.files["A.bin"]
    assert pod.run("fetch")[0] == 1
    assert wait_for(pod.paths, [file("A"), file("B")], 0) == 1
    assert "models: loras/A.bin: NotFound: HTTP 404" in capsys.readouterr().out
    pod.origin.put("A.bin", b"x" * 1000)
    later = threading.Timer(0.5, lambda: pod.run("fetch", "A"))
    later.start()
    wait_until(lambda: pod.installed("A.bin").exists(), 60, "A is there")
    later.join()
    assert wait_for(pod.paths, [file("A"), file("B")], 0) == 0
