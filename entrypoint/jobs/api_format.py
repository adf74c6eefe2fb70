"""P: nodes of the user interface's format -> ComfyUI's API format, by the classes that the running ComfyUI has.

The user interface keeps a node's values as a list, in the order of its widgets; the API wants them by name. The order
is that of the class's inputs in `/object_info`, with widgets of the page's own between them: what follows a seed
(`control_after_generate`), and the button of an upload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.jobs.graph import FlatNode, flatten
from entrypoint.workflows.document import plain

#: Types of inputs that the page shows as widgets.
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COLOR", "PAINTER", "LOAD_3D")
_DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
_SEED_NAMES = ("seed", "noise_seed")
_AFTER_SEED = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
_UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload")
#: What the buttons of an upload are saved as.
_UPLOAD_VALUES = ("image", "video", "audio", "upload", "upload3dmodel", "uploadExtraResources", "clear", None, "")


class Widget(NamedTuple):
    """An input with a value: its type (COMBO also for a list of values) and options."""

    name: str
    kind: str
    options: Mapping[str, Any]
    choices: tuple[Any, ...]


def is_api_format(workflow: Mapping[str, Any]) -> bool:
    """Whether a workflow is in the API's format."""
    return not isinstance(workflow.get("nodes"), list)


def class_names(workflow: Mapping[str, Any]) -> set[str]:
    """Names of the classes that a workflow's nodes have. Raises JobFailed: BadWorkflow."""
    if is_api_format(workflow):
        found = [node["class_type"] for node in _api_nodes(workflow).values()]
    else:
        found = [node.kind for node in flatten(workflow)]
    return {each for each in found if isinstance(each, str)}


def api_format(workflow: Mapping[str, Any], classes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The workflow in the API's format; `classes`: the content of `/object_info`.

    Raises:
        JobFailed: BadWorkflow, or NodeMissing with every class that this ComfyUI does not have.
    """
    if is_api_format(workflow):
        found = _api_nodes(workflow)
        refuse_unknown([(key, node["class_type"]) for key, node in found.items()], classes)
        for node in found.values():
            node["inputs"] = dict(node["inputs"]) if isinstance(node.get("inputs"), dict) else {}
        return found
    flat = flatten(workflow)
    refuse_unknown([(node.id, node.kind) for node in flat], classes)
    prompt = {node.id: _converted(node, classes[node.kind]) for node in flat}
    for each in flat:
        for name, source in each.sources.items():
            if source.widget and (value := prompt[source.id]["inputs"].get(source.widget)) is not None:
                prompt[each.id]["inputs"].setdefault(name, value)
    return prompt


def _api_nodes(workflow: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    inner = workflow.get("prompt")  # the body of POST /prompt
    nodes = inner if isinstance(inner, dict) else workflow
    found = {str(key): dict(node) for key, node in nodes.items() if isinstance(node, dict) and "class_type" in node}
    if not found:
        raise JobFailed(Failure("BadWorkflow", "it has neither `nodes` nor nodes with a `class_type`"))
    return found


def refuse_unknown(nodes: Iterable[tuple[str, Any]], classes: Mapping[str, Any]) -> None:
    """Raises JobFailed where ComfyUI does not have a node's class."""
    wrong = [
        f"node {plain(key)}: no class {plain(kind)}"
        for key, kind in nodes
        if not (isinstance(kind, str) and kind in classes)
    ]
    if wrong:
        raise JobFailed(Failure("NodeMissing", f"this ComfyUI does not have every node: {wrong[0]}",
            "install it: podkeeper workflow fetch", tuple(wrong[:50])))  # fmt: skip


def _converted(node: FlatNode, spec: Mapping[str, Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = dict(_named(node, spec))
    for name, source in node.sources.items():
        if not source.widget:
            inputs[name] = [source.id, source.slot] if source.id else source.value
    return {
        "class_type": node.kind,
        "inputs": inputs,
        "_meta": {"title": node.title or spec.get("display_name") or node.kind},
    }


def _named(node: FlatNode, spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each widget with its value."""
    if isinstance(node.values, dict):
        known = node.values
        yield from ((each.name, known[each.name]) for each in widgets(spec, known) if each.name in known)
        return
    values, at = list(node.values), 0
    chosen: dict[str, Any] = {}
    waiting = list(_own_widgets(spec, "", node.widgets))
    while waiting:
        widget = waiting.pop(0)
        if at < len(values):
            value = values[at]
            at += 1
        else:
            value = _default(widget)
        chosen[widget.name] = value
        yield widget.name, value
        at += _extra(widget, values, at)
        waiting = [*_chosen_inputs(widget, value), *waiting]


def widgets(spec: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Widget]:
    """A class's widgets in the order of the page; `values` decide which inputs a choice brings."""
    waiting = list(_own_widgets(spec, "", ()))
    while waiting:
        widget = waiting.pop(0)
        yield widget
        waiting = [*_chosen_inputs(widget, values.get(widget.name)), *waiting]


def _own_widgets(spec: Mapping[str, Any], prefix: str, also: Iterable[str]) -> Iterator[Widget]:
    """`also`: names that the workflow's node shows as widgets: types of custom nodes are known to their page alone."""
    groups = spec.get("input")
    for group in ("required", "optional"):
        inputs = groups.get(group) if isinstance(groups, dict) else None
        order = _order(spec, group, inputs)
        for name in order:
            widget = _widget(prefix + name, inputs[name], also)  # type: ignore[index]
            if widget:
                yield widget


def _order(spec: Mapping[str, Any], group: str, inputs: Any) -> list[str]:
    if not isinstance(inputs, dict):
        return []
    orders = spec.get("input_order")
    order = orders.get(group) if isinstance(orders, dict) else None
    return [name for name in order if name in inputs] if isinstance(order, list) else list(inputs)


def _widget(name: str, spec: Any, also: Iterable[str]) -> Widget | None:
    if not isinstance(spec, list) or not spec:
        return None
    options = spec[1] if len(spec) > 1 and isinstance(spec[1], dict) else {}
    if options.get("forceInput"):
        return None
    if isinstance(spec[0], list):
        return Widget(name, "COMBO", options, tuple(spec[0]))
    kind = options.get("widgetType") or spec[0]
    if kind in WIDGETS or kind == _DYNAMIC or name in also:
        listed = options.get("options")
        return Widget(name, str(kind), options, tuple(listed) if kind == "COMBO" and isinstance(listed, list) else ())
    return None


def _chosen_inputs(widget: Widget, value: Any) -> Iterator[Widget]:
    """The inputs that a dynamic choice brings (`resize_type` -> `resize_type.width`)."""
    if widget.kind != _DYNAMIC:
        return
    for option in widget.options.get("options") or ():
        if isinstance(option, dict) and option.get("key") == value:
            yield from _own_widgets({"input": option.get("inputs")}, f"{widget.name}.", ())


def _default(widget: Widget) -> Any:
    if "default" in widget.options:
        return widget.options["default"]
    if widget.kind == _DYNAMIC:
        return next((each.get("key") for each in widget.options.get("options") or () if isinstance(each, dict)), None)
    return widget.choices[0] if widget.choices else {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(widget.kind, "")


def _extra(widget: Widget, values: list[Any], at: int) -> int:
    """How many values of the page's own follow this widget's."""
    if at >= len(values):
        return 0
    if widget.options.get("control_after_generate") or widget.name.rpartition(".")[2] in _SEED_NAMES:
        return int(values[at] in _AFTER_SEED)
    count = 0
    if any(widget.options.get(each) for each in _UPLOADS) and widget.kind == "COMBO":
        while at + count < len(values) and values[at + count] in _UPLOAD_VALUES:
            count += 1
    return count
