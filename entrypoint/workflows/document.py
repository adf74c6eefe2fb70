"""P: a workflow's JSON -> its nodes with their widgets' values, in both formats of ComfyUI.

The user interface's: `nodes`, `links`, `definitions.subgraphs`; a subgraph is another graph, and a node whose type is
its id is an instance of it, whose widgets replace those inside. The API's: {id: {class_type, inputs}}.

Everything in it comes from another person: each type is checked, and what has a wrong one is a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from entrypoint.workflows.folders import is_model_name, widget_names

#: Bytes of a workflow's JSON, and nodes of it with those of each subgraph's instances, at most.
LARGEST, MOST_NODES = 32 << 20, 100_000
_MOST_NOTES = 20
#: LiteGraph's modes of nodes that do not run: muted, bypassed.
_INACTIVE = (2, 4)
#: The id of the node that stands for a subgraph's inputs (ComfyUI_frontend: SUBGRAPH_INPUT_ID).
_INPUT_NODE = -10
#: A subgraph's inputs that lead to widgets -> for each of these: the node's id, the widget, whether it names a model.
_Inputs = dict[str, list[tuple[str, str, bool]]]


class NotAWorkflow(Exception):
    """What was given is no workflow; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node: its class, its widgets' values as (input, value), input "" where it is not known, and its properties."""

    kind: str
    widgets: tuple[tuple[str, Any], ...]
    properties: Mapping[str, Any]


@dataclass(slots=True)
class Workflow:
    """The nodes that run; `inactive`: how many are muted or bypassed; `notes`: what is wrong in it."""

    nodes: list[GraphNode] = field(default_factory=list)
    inactive: int = 0
    notes: list[str] = field(default_factory=list)
    more_notes: int = 0

    def note(self, text: str) -> None:
        """Keep a note; of thousands, the first ones and their number."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(text)
        else:
            self.more_notes += 1


def plain(value: Any, most: int = 120) -> str:
    """A value of the workflow's, fit for a terminal."""
    text = value if isinstance(value, str) else type(value).__name__
    text = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(each if each.isprintable() else "?" for each in text)


def parse(data: bytes) -> Workflow:
    """Read a workflow. Raises NotAWorkflow."""
    if len(data) > LARGEST:
        raise NotAWorkflow(f"it has more than {LARGEST >> 20} MB; a workflow has less than 1 MB")
    try:
        content = json.loads(data)
    except RecursionError:
        raise NotAWorkflow("its JSON is nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, a number of more than 4,300 digits
        start = data.lstrip()[:9].lower()
        what = "a web page" if start.startswith((b"<!doctype", b"<html")) else f"not JSON: {plain(str(error))}"
        raise NotAWorkflow(f"it is {what}") from None
    return workflow_of(content)


def workflow_of(content: Any) -> Workflow:
    """The workflow in decoded JSON. Raises NotAWorkflow."""
    if not isinstance(content, dict):
        raise NotAWorkflow(f"its JSON is a {plain(content)}, and must be an object with `nodes`, or of API nodes")
    if "nodes" in content:
        found = _interface(content)
    else:
        inner = content.get("prompt")  # the body of POST /prompt
        found = _api(inner if isinstance(inner, dict) else content)
    if not found.nodes and not found.inactive and (content.get("nodes") or "nodes" not in content):
        raise NotAWorkflow("its JSON has neither usable `nodes` nor nodes with a `class_type`")
    if found.more_notes:
        found.notes.append(f"and {found.more_notes} more of this kind")
    return found


def _api(content: Mapping[str, Any]) -> Workflow:
    found = Workflow()
    if len(content) > MOST_NODES:
        raise NotAWorkflow(f"it has more than {MOST_NODES} nodes")
    for name, node in content.items():
        kind = node.get("class_type") if isinstance(node, dict) else None
        if not isinstance(kind, str):
            found.note(f"{plain(name)} is ignored: it has no `class_type`")
            continue
        inputs = _table(node.get("inputs"))
        # A list is a link to another node's output.
        widgets = tuple((key, value) for key, value in inputs.items() if not isinstance(value, list))
        found.nodes.append(GraphNode(kind, widgets, _table(node.get("_meta"))))
    return found


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph to be walked. `values`: (node's id, widget) -> value that an instance of this subgraph gives."""

    content: Mapping[str, Any]
    values: Mapping[tuple[str, str], Any]
    active: bool = True


def _interface(content: Mapping[str, Any]) -> Workflow:
    found, subgraphs = Workflow(), dict(_subgraphs(content))
    known: dict[str, _Inputs] = {}  # a subgraph's id -> its inputs
    waiting, seen = [_Graph(content, {})], 0
    while waiting:
        graph = waiting.pop()
        nodes = graph.content.get("nodes")
        if not isinstance(nodes, list):
            raise NotAWorkflow(f"`nodes` must be a list, not a {plain(nodes)}")
        seen += len(nodes)
        if seen > MOST_NODES:  # also of a subgraph that holds itself
            raise NotAWorkflow(f"it has more than {MOST_NODES} nodes, counting those of each subgraph's instances")
        for index, node in enumerate(nodes):
            kind = node.get("type") if isinstance(node, dict) else None
            if not isinstance(kind, str):
                found.note(f"node {index} is ignored: it has no `type`")
                continue
            active = graph.active and node.get("mode") not in _INACTIVE
            inner = subgraphs.get(kind)
            inputs = None if inner is None else known.setdefault(kind, _widget_inputs(inner))
            widgets = _widgets(node, inputs, graph.values)
            if inner is not None and inputs is not None:
                waiting.append(_Graph(inner, _values_inside(inputs, widgets), active))
                if active:  # files whose input is not certain
                    loose = tuple((name, value) for name, value in widgets if not name)
                    found.nodes.append(GraphNode("", loose, {}))
            elif active:
                found.nodes.append(GraphNode(kind, widgets, _table(node.get("properties"))))
            else:
                found.inactive += 1
    return found


def _subgraphs(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Id -> definition, also of definitions inside definitions."""
    waiting = [content]
    while waiting:
        for each in _list(_table(waiting.pop().get("definitions")).get("subgraphs")):
            if isinstance(each, dict):
                waiting.append(each)
                if isinstance(each.get("id"), str):
                    yield each["id"], each


def _widgets(
    node: Mapping[str, Any], inputs: _Inputs | None, given: Mapping[tuple[str, str], Any]
) -> tuple[tuple[str, Any], ...]:
    """A node's widgets, with the values that an instance around it gives."""
    raw = node.get("widgets_values")
    if isinstance(raw, dict):
        pairs = list(raw.items())
    else:
        values = _list(raw)
        names = _names(node, inputs, values)
        pairs = [(names[index] if index < len(names) else "", value) for index, value in enumerate(values)]
    mine = str(node.get("id"))
    return tuple((name, given.get((mine, name), value)) for name, value in pairs)


def _names(node: Mapping[str, Any], inputs: _Inputs | None, values: list[Any]) -> tuple[str, ...]:
    """The inputs that the values belong to, as far as that is certain; `inputs`: of an instance of a subgraph."""
    if inputs is not None:
        if len(inputs) == len(values):
            return tuple(inputs)
        # Seeds have a second value, so that the counts may differ: the files are still in order.
        files = [index for index, value in enumerate(values) if isinstance(value, str) and is_model_name(value)]
        loads = [name for name, targets in inputs.items() if any(is_file for *_, is_file in targets)]
        names = dict(zip(files, loads, strict=True)) if len(files) == len(loads) else {}
        return tuple(names.get(index, "") for index in range(len(values)))
    known = widget_names(str(node.get("type")))
    if known:
        return known
    names_of_widgets = [name for each in _list(node.get("inputs")) if (name := _widget_of(each))]
    return tuple(names_of_widgets) if len(names_of_widgets) == len(values) else ()


def _widget_of(entry: Any) -> str:
    """The name of the widget that an entry of a node's `inputs` stands for, or ""."""
    name = _table(_table(entry).get("widget")).get("name")
    return name if isinstance(name, str) else ""


def _widget_inputs(inner: Mapping[str, Any]) -> _Inputs:
    """The inputs of a subgraph."""
    inputs = [_table(each).get("name") for each in _list(inner.get("inputs"))]
    nodes = {str(_table(each).get("id")): _table(each) for each in _list(inner.get("nodes"))}
    found: _Inputs = {str(name): [] for name in inputs}
    for link in map(_table, _list(inner.get("links"))):
        slot, target = link.get("origin_slot"), nodes.get(str(link.get("target_id")))
        entries = _list(_table(target).get("inputs"))
        at = link.get("target_slot")
        if link.get("origin_id") != _INPUT_NODE or not isinstance(slot, int) or not isinstance(at, int):
            continue
        if target and 0 <= slot < len(inputs) and 0 <= at < len(entries) and (widget := _widget_of(entries[at])):
            is_file = widget in widget_names(str(target.get("type")))
            found[str(inputs[slot])].append((str(target.get("id")), widget, is_file))
    return {name: targets for name, targets in found.items() if targets}


def _values_inside(inputs: _Inputs, widgets: tuple[tuple[str, Any], ...]) -> dict[tuple[str, str], Any]:
    given = dict(widgets)
    return {
        (target, widget): given[name]
        for name, targets in inputs.items()
        if name in given
        for target, widget, _ in targets
    }


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
