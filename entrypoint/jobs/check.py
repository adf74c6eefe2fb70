"""P: checks a workflow in the API's format against the running ComfyUI's own `/object_info`, before it is queued.

ComfyUI checks again (execution.validate_prompt): links, types, and what a node checks itself. Here is what it says too
late or in other words: a model that is not there, and a path out of its folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from entrypoint.jobs.api_format import Widget, widgets
from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.values import Prompt
from entrypoint.workflows.document import plain
from entrypoint.workflows.folders import is_model_name

_MOST_PROBLEMS = 50
#: Options of inputs whose values are files that are there only once they are uploaded.
_FILES = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")


def check(prompt: Prompt, classes: Mapping[str, Any], outputs: tuple[str, ...] = ()) -> None:
    """Raises JobFailed: ModelMissing, BadValue or BadWorkflow, all problems named. `outputs`: nodes that must exist."""
    missing: list[str] = []
    wrong: list[str] = []
    for key, node in prompt.items():
        spec = classes[node["class_type"]]
        for problem, is_model in _problems(node, spec):
            (missing if is_model else wrong).append(f"node {plain(key)} ({plain(node['class_type'])}): {problem}")
    if missing:
        remedy = "fetch it: podkeeper workflow fetch, or run with --fetch"
        raise _failed("ModelMissing", [*missing, *wrong], remedy)
    if wrong:
        raise _failed("BadValue", wrong, "correct the workflow")
    lost = [each for each in outputs if each not in prompt]
    if lost:
        raise _failed("BadWorkflow", [f"`outputs` names node {plain(each)}, which is not there" for each in lost], "")
    if not any(classes[node["class_type"]].get("output_node") for node in prompt.values()):
        raise _failed("BadWorkflow", ["it has no node that keeps a result, such as Save Image"], "add one")


def _failed(name: str, problems: list[str], remedy: str) -> JobFailed:
    return JobFailed(Failure(name, problems[0], remedy, tuple(problems[:_MOST_PROBLEMS])))


def _problems(node: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each problem, and whether it is a model that is not there."""
    inputs = node["inputs"]
    required = (spec.get("input") or {}).get("required") or {}
    for name, each in required.items():
        autogrow = isinstance(each, list) and each and str(each[0]).startswith("COMFY_")
        if name not in inputs and not autogrow:
            yield f"its input {name} is missing", False
    for widget in widgets(spec, inputs):
        value = inputs.get(widget.name)
        if value is not None and not isinstance(value, list):
            yield from _value_problems(widget, value)


def _value_problems(widget: Widget, value: Any) -> Iterator[tuple[str, bool]]:
    name = widget.name
    if isinstance(value, str) and (name == "filename_prefix" or any(widget.options.get(each) for each in _FILES)):
        if leads_out(value):
            yield f"{name}={plain(value)!r} leads out of ComfyUI's folders", False
        return
    if widget.choices and value not in widget.choices and not widget.options.get("multiselect"):
        is_model = isinstance(value, str) and is_model_name(value)
        if is_model:
            yield f"{name}: the model {plain(value)} is not there", True
        else:
            some = ", ".join(plain(str(each)) for each in widget.choices[:5]) + (", ..." if widget.choices[5:] else "")
            yield (
                f"{name}={plain(str(value))!r} is none of its values ({some})",
                False,
            )
    elif not widget.choices and widget.kind == "COMBO" and isinstance(value, str) and is_model_name(value):
        yield f"{name}: the model {plain(value)} is not there", True
    if widget.kind in ("INT", "FLOAT"):
        yield from ((each, False) for each in _number_problems(widget, value))


def _number_problems(widget: Widget, value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{widget.name}={plain(str(value))!r} is no number"
        return
    least, most = widget.options.get("min"), widget.options.get("max")
    if isinstance(least, int | float) and value < least:
        yield f"{widget.name}={value} is less than {least}"
    if isinstance(most, int | float) and value > most:
        yield f"{widget.name}={value} is more than {most}"


def leads_out(value: str) -> bool:
    """Whether a file's name leads out of the folder that it belongs in."""
    parts = value.replace("\\", "/").split("/")
    return value.startswith(("/", "\\", "~")) or ".." in parts or (len(value) > 1 and value[1] == ":") or "\0" in value
