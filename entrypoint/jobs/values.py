"""P: sets values in a workflow of the API's format: `6.text`, `KSampler.seed`, `Positive prompt.text`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from entrypoint.jobs.api_format import Widget, widgets
from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.workflows.document import plain

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
Prompt = dict[str, dict[str, Any]]


def set_values(prompt: Prompt, values: Mapping[str, Any], classes: Mapping[str, Any]) -> None:
    """Set each value; text becomes the number or truth value that the input wants.

    A target is NODE.INPUT; NODE is an id, or the title or class of one node alone.

    Raises:
        JobFailed: BadValue, with every target that cannot be set.
    """
    problems = []
    for target, value in values.items():
        try:
            _set(prompt, target, value, classes)
        except ValueError as error:
            problems.append(f"{plain(target)}: {error}")
    if problems:
        remedy = "NODE.INPUT: the node's id, title or class, then the input's name"
        raise JobFailed(Failure("BadValue", f"cannot set {problems[0]}", remedy, tuple(problems)))


def _set(prompt: Prompt, target: str, value: Any, classes: Mapping[str, Any]) -> None:
    key, name = _place(prompt, target)
    node = prompt[key]
    spec = classes[node["class_type"]]
    known = {each.name: each for each in widgets(spec, node["inputs"])}
    if name not in known and name not in node["inputs"]:
        names = ", ".join([*known][:12])
        raise ValueError(f"{node['class_type']} has no value {plain(name)!r}" + (f"; it has {names}" if names else ""))
    node["inputs"][name] = _typed(known.get(name), value)


def _place(prompt: Prompt, target: str) -> tuple[str, str]:
    """The node and the input. Names of inputs have points, too (`resize_type.width`), and so have titles."""
    at = [index for index, sign in enumerate(target) if sign == "."]
    for index in at:
        if target[:index] in prompt:
            return target[:index], target[index + 1 :].removeprefix("inputs.")
    for index in reversed(at):
        found = list(_called(prompt, target[:index]))
        if len(found) == 1:
            return found[0], target[index + 1 :]
        if found:
            raise ValueError(
                f"{len(found)} nodes are called {plain(target[:index])!r}: use an id: {', '.join(found[:8])}"
            )
    raise ValueError(f"there is no such node; the workflow has {', '.join(list(prompt)[:20])}")


def _called(prompt: Prompt, name: str) -> Iterator[str]:
    for key, node in prompt.items():
        meta = node.get("_meta")
        if name in (node["class_type"], meta.get("title") if isinstance(meta, dict) else None):
            yield key


def _typed(widget: Widget | None, value: Any) -> Any:
    if widget is None or not isinstance(value, str):
        return value
    text = value.strip()
    if widget.kind == "INT":
        return _number(text, int, "a whole number")
    if widget.kind == "FLOAT":
        return _number(text, float, "a number")
    if widget.kind == "BOOLEAN":
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ValueError(f"{plain(value)!r} is neither true nor false")
        return text.lower() in _TRUE
    return value


def _number(text: str, kind: type[int] | type[float], what: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{plain(text)!r} is not {what}") from None


def use_inputs(prompt: Prompt, names: Mapping[str, str]) -> list[str]:
    """Put the place of each input file where its name stands; returns the names that stand nowhere."""
    used = set()
    for node in prompt.values():
        for key, value in node["inputs"].items():
            if isinstance(value, str) and value in names:
                used.add(value)
                node["inputs"][key] = names[value]
    return [name for name in names if name not in used]
