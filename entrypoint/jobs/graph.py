"""P: a workflow in the user interface's format -> its nodes: subgraphs unfolded, links followed to their sources.

What ComfyUI's page does before it queues a workflow (ComfyUI_frontend, src/utils/executionUtil.ts and
src/lib/litegraph/src/subgraph/ExecutableNodeDTO.ts): nodes that only exist in the page are replaced by what they lead
to, a bypassed node by what goes into it, and a node of a subgraph gets the id `INSTANCE:NODE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from entrypoint.jobs.failure import Failure, JobFailed
from entrypoint.workflows.document import MOST_NODES, plain

NEVER, BYPASS = 2, 4
#: Nodes that stand for a subgraph's inputs and outputs (litegraph: SUBGRAPH_INPUT_ID, SUBGRAPH_OUTPUT_ID).
_INPUT_NODE, _OUTPUT_NODE = -10, -20
#: Of the page alone; GetNode and SetNode are KJNodes'.
_NOTES = ("Note", "MarkdownNote", "SetNode", "GetNode", "Reroute", "PrimitiveNode")
#: Links one input may lead over, and subgraphs inside each other, at most.
_LONGEST, _DEEPEST = 1000, 20


class Source(NamedTuple):
    """Where an input comes from: output `slot` of the node `id`, or that node's `widget`; without an id, a `value`."""

    id: str = ""
    slot: int = 0
    value: Any = None
    widget: str = ""


@dataclass(slots=True)
class FlatNode:
    """A node that runs. `values`: as saved; `widgets`: names that its page shows; `sources`: input -> source."""

    id: str
    kind: str
    title: str
    values: list[Any] | Mapping[str, Any]
    widgets: tuple[str, ...]
    sources: dict[str, Source] = field(default_factory=dict)


class _Link(NamedTuple):
    origin: Any
    slot: int
    target: Any
    target_slot: int


class _Scope:
    """A graph: the workflow's own, or that of one instance of a subgraph."""

    def __init__(
        self, content: Mapping[str, Any], prefix: str, parent: _Scope | None, instance: Mapping[str, Any]
    ) -> None:
        self.content, self.prefix, self.parent, self.instance = content, prefix, parent, instance
        self.nodes = {str(each.get("id")): each for each in _tables(content.get("nodes"))}
        self.links = dict(_links(content.get("links")))
        self.inner: dict[str, _Scope] = {}
        self.depth: int = parent.depth + 1 if parent else 0


def flatten(content: Mapping[str, Any]) -> list[FlatNode]:
    """The nodes that run. Raises JobFailed: BadWorkflow."""
    subgraphs = {str(each.get("id")): each for each in _subgraphs(content)}
    top = _Scope(content, "", None, {})
    scopes = list(_unfold(top, subgraphs))
    found = []
    for scope in scopes:
        for node in scope.nodes.values():
            kind = str(node.get("type"))
            if kind in subgraphs or kind in _NOTES or node.get("mode") in (NEVER, BYPASS):
                continue
            flat = FlatNode(
                id=scope.prefix + str(node.get("id")),
                kind=kind,
                title=str(node.get("title") or ""),
                values=node["widgets_values"] if isinstance(node.get("widgets_values"), dict | list) else [],
                widgets=tuple(_widget(each) for each in _tables(node.get("inputs")) if _widget(each)),
            )
            for entry in _tables(node.get("inputs")):
                source = _follow(scope, entry.get("link"))
                if (
                    source
                    and isinstance(entry.get("name"), str)
                    and (source.id, source.widget) != (flat.id, entry["name"])
                ):
                    flat.sources[entry["name"]] = source
            flat.sources |= _proxied(scope, str(node.get("id")))
            found.append(flat)
    ids = {each.id for each in found}
    for flat in found:  # as the page does: what leads to a node that does not run is no input
        flat.sources = {name: each for name, each in flat.sources.items() if not each.id or each.id in ids}
    return found


def _unfold(scope: _Scope, subgraphs: Mapping[str, Mapping[str, Any]]) -> Iterator[_Scope]:
    waiting, seen = [scope], 0
    while waiting:
        scope = waiting.pop()
        seen += len(scope.nodes)
        if seen > MOST_NODES or scope.depth > _DEEPEST:
            raise _bad("its subgraphs have too many nodes, or hold each other")
        yield scope
        for key, node in scope.nodes.items():
            inner = subgraphs.get(str(node.get("type")))
            if inner is not None and node.get("mode") not in (NEVER, BYPASS):
                scope.inner[key] = _Scope(inner, f"{scope.prefix}{key}:", scope, node)
                waiting.append(scope.inner[key])


def _follow(scope: _Scope, link: Any) -> Source | None:
    """The source that a link leads to; None: there is none."""
    where: tuple[_Scope, Any] | None = (scope, link)
    for _ in range(_LONGEST):
        if where is None or where[1] is None:
            return None
        found = _step(*where)
        if found is None or isinstance(found, Source):
            return found
        where = found
    raise _bad("its links lead in a circle")


def _step(scope: _Scope, link_id: Any) -> Source | tuple[_Scope, Any] | None:
    """One link back: the source, or the next link."""
    link = scope.links.get(_key(link_id))
    if link is None:
        return None
    if link.origin == _INPUT_NODE:
        return _from_instance(scope, link.slot)
    node = scope.nodes.get(str(link.origin))
    if node is None or node.get("mode") == NEVER:
        return None
    kind, inner = node.get("type"), scope.inner.get(str(link.origin))
    if node.get("mode") == BYPASS:
        return _through(scope, node, link.slot)
    if inner is not None:
        ends = (
            key for key, each in inner.links.items() if each.target == _OUTPUT_NODE and each.target_slot == link.slot
        )
        return inner, next(ends, None)
    if kind == "Reroute":
        return scope, _first_link(node)
    if kind == "GetNode":
        wanted = _first_value(node)
        setter = (
            each for each in scope.nodes.values() if each.get("type") == "SetNode" and _first_value(each) == wanted
        )
        return scope, _first_link(next(setter, {}))
    if kind == "PrimitiveNode":
        return Source(value=_first_value(node))
    return Source(scope.prefix + str(link.origin), link.slot)


def _from_instance(scope: _Scope, slot: int) -> Source | tuple[_Scope, Any] | None:
    """What the instance of a subgraph has at its input `slot`."""
    inputs = _tables(scope.content.get("inputs"))
    if not (scope.parent and 0 <= slot < len(inputs)):
        return None
    name = inputs[slot].get("name")
    entries = _tables(scope.instance.get("inputs"))
    entry = next((each for each in entries if each.get("name") == name), None)
    if entry and entry.get("link") is not None:
        return scope.parent, entry["link"]
    targets = list(_widgets_at(scope, slot))
    values = _given(scope, inputs)
    return (
        Source(value=values[slot])
        if slot in values
        else Source(*targets[0][:1], widget=targets[0][1])
        if targets
        else None
    )


def _proxied(scope: _Scope, key: str) -> dict[str, Source]:
    """The values that an instance around it has for a node's widgets."""
    values, proxies = scope.instance.get("widgets_values"), _proxies(scope)
    if not isinstance(values, list) or len(values) != len(proxies):
        return {}
    return {
        str(each[1]): Source(value=value) for each, value in zip(proxies, values, strict=True) if str(each[0]) == key
    }


def _given(scope: _Scope, inputs: list[Mapping[str, Any]]) -> dict[int, Any]:
    """Slot -> the value that the instance of a subgraph has for it."""
    values = scope.instance.get("widgets_values")
    slots = [slot for slot in range(len(inputs)) if any(_widgets_at(scope, slot))]
    if not isinstance(values, list) or _proxies(scope) or len(values) != len(slots):
        return {}
    return dict(zip(slots, values, strict=True))


def _widgets_at(scope: _Scope, slot: int) -> Iterator[tuple[str, str]]:
    """The widgets, as (node's id, name), that a subgraph's input `slot` leads to."""
    for link in scope.links.values():
        if link.origin == _INPUT_NODE and link.slot == slot and (node := scope.nodes.get(str(link.target))):
            entries = _tables(node.get("inputs"))
            if 0 <= link.target_slot < len(entries) and (name := _widget(entries[link.target_slot])):
                yield scope.prefix + str(link.target), name


def _proxies(scope: _Scope) -> list[list[Any]]:
    """The widgets of inner nodes that an instance shows as its own: [node's id, name], in their order."""
    properties = scope.instance.get("properties")
    found = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    return [each for each in found if isinstance(each, list) and len(each) >= 2] if isinstance(found, list) else []


def _through(scope: _Scope, node: Mapping[str, Any], slot: int) -> tuple[_Scope, Any] | None:
    """A bypassed node hands on an input of the output's type: the one at the same place, else the first."""
    outputs, inputs = _tables(node.get("outputs")), _tables(node.get("inputs"))
    if not 0 <= slot < len(outputs):
        return None
    kind = outputs[slot].get("type")
    same = [
        each
        for each in [*inputs[slot : slot + 1], *inputs]
        if kind == each.get("type") or "*" in (kind, each.get("type"))
    ]
    return (scope, same[0].get("link")) if same else None


def _links(value: Any) -> Iterator[tuple[int, _Link]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            parts = [each.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")]
        elif isinstance(each, list) and len(each) >= 5:
            parts = each[:5]
        else:
            continue
        if isinstance(parts[0], int) and isinstance(parts[2], int) and isinstance(parts[4], int):
            yield parts[0], _Link(parts[1], parts[2], parts[3], parts[4])


def _subgraphs(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [content]
    while waiting:
        definitions = waiting.pop().get("definitions")
        for each in _tables(definitions.get("subgraphs") if isinstance(definitions, dict) else None):
            waiting.append(each)
            yield each


def _bad(reason: str) -> JobFailed:
    return JobFailed(Failure("BadWorkflow", plain(reason), "open it in ComfyUI and correct it"))


def _key(value: Any) -> int:
    return value if isinstance(value, int) else -1


def _first_link(node: Mapping[str, Any]) -> Any:
    return next((each.get("link") for each in _tables(node.get("inputs"))), None)


def _first_value(node: Mapping[str, Any]) -> Any:
    values = node.get("widgets_values")
    return values[0] if isinstance(values, list) and values else None


def _widget(entry: Mapping[str, Any]) -> str:
    widget = entry.get("widget")
    name = widget.get("name") if isinstance(widget, dict) else None
    return name if isinstance(name, str) else ""


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
