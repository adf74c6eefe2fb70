"""A workflow in a picture or video. The files of the real writers (Pillow, PyAV) were read, too, when this was made."""

from __future__ import annotations

import io
import json
import random
import zlib

import pytest

from entrypoint.workflows.document import LARGEST, NotAWorkflow, parse
from entrypoint.workflows.embedded import is_container, workflow_in
from tests.support.workflows.containers import mp4, png, png_itxt, png_ztxt, webm, webp
from tests.support.workflows.shapes import graph, node

WORKFLOW = json.dumps(graph(node(1, "VAELoader", "ä.pt")))
PROMPT = json.dumps({"1": {"class_type": "VAELoader", "inputs": {"vae_name": "p.pt"}}})
BOTH = json.dumps({"prompt": json.loads(PROMPT), "workflow": WORKFLOW})
FILES = {
    "png": png(prompt=PROMPT, workflow=WORKFLOW),
    "png, iTXt": png_itxt("workflow", WORKFLOW, compressed=False),
    "png, compressed iTXt": png_itxt("workflow", WORKFLOW, compressed=True),
    "png, zTXt": png_ztxt("workflow", zlib.compress(WORKFLOW.encode())),
    "webp": webp("workflow:" + WORKFLOW, "prompt:" + PROMPT),
    "webp, big-endian": webp("workflow:" + WORKFLOW, order=">"),
    "mp4": mp4(prompt=PROMPT, workflow=WORKFLOW),
    "mp4 of VideoHelperSuite": mp4(comment=BOTH),
    "webm": webm(prompt=PROMPT, workflow=WORKFLOW),
    "webm of VideoHelperSuite": webm(encoder="x", comment=BOTH),
}
PROMPTS = {"png": png(prompt=PROMPT), "webp": webp("x", "prompt:" + PROMPT), "mp4": mp4(prompt=PROMPT)}


def read(data: bytes) -> bytes:
    assert is_container(data[:16])
    return workflow_in(io.BytesIO(data))


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_the_workflow_is_found(data: bytes) -> None:
    assert json.loads(read(data)) == json.loads(WORKFLOW)


@pytest.mark.parametrize("data", PROMPTS.values(), ids=PROMPTS)
def test_without_a_workflow_the_prompt_counts(data: bytes) -> None:
    assert json.loads(read(data)) == json.loads(PROMPT)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(other="x"), "this PNG has no workflow in it"),
        (webp("Canon"), "this WebP has no workflow in it"),
        (mp4(title="x"), "this MP4 has no workflow in it"),
        (mp4(comment="holiday"), "this MP4 has no workflow in it"),
        (webm(title="x"), "this WebM has no workflow in it"),
        (png(workflow=WORKFLOW)[:40], "this PNG is damaged or cut short"),
        (png(workflow=WORKFLOW)[:120], "this PNG is damaged or cut short"),
        (mp4(workflow=WORKFLOW).replace(b"\0\0\0\x0cftyp", b"\0\0\0\x04ftyp"), "this MP4 is damaged or cut short"),
        (webp()[:20], "this WebP is damaged or cut short"),
        (mp4(workflow=WORKFLOW)[:-9], "this MP4 is damaged or cut short"),
        (webm(workflow=WORKFLOW)[:-9], "this WebM is damaged or cut short"),
        (png_ztxt("workflow", zlib.compress(bytes(LARGEST + 1))), "more than 32 MB"),
        (b"\xff\xd8\xff\xe0" + bytes(30), "it is JPEG: a workflow can be read from JSON, PNG, WebP, MP4 and WebM"),
        (b"PK\x03\x04" + bytes(30), "it is ZIP"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(NotAWorkflow, match=words):
        read(data)


def test_json_is_no_container() -> None:
    assert not is_container(WORKFLOW.encode()[:16])


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_damage_is_refused_and_nothing_else(data: bytes) -> None:
    """Cut short and with wrong bytes, 60 times each."""
    chance = random.Random(1)
    for _ in range(60):
        damaged = bytearray(data[: chance.randrange(12, len(data))])
        for _ in range(chance.randrange(8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            parse(workflow_in(io.BytesIO(damaged)))
        except NotAWorkflow as error:
            assert str(error).isprintable()  # noqa: PT017
