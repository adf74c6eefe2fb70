"""The search for the node at fault."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from entrypoint.nodes.bisect import Search, after_end, after_response, begin

NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=40, unique=True)


def search_for(nodes: list[str], guilty: str) -> tuple[str, int]:
    """The node that is found, and the starts that it took."""
    search: Search | None = begin(tuple(sorted(nodes)))
    for starts in range(1, 100):
        assert search
        search = after_response(search) if guilty in search.out else after_end(search)
        if search is None or search.found:
            return search.found if search else "", starts
    raise AssertionError("it does not end")


@given(NAMES, st.data())
def test_the_node_at_fault_is_found_in_a_few_starts(nodes: list[str], data: st.DataObject) -> None:
    guilty = data.draw(st.sampled_from(nodes))
    found, starts = search_for(nodes, guilty)
    assert found == guilty
    assert starts <= math.ceil(math.log2(len(nodes))) + 1


@given(NAMES)
def test_where_no_node_is_at_fault_the_first_start_says_so(nodes: list[str]) -> None:
    assert search_for(nodes, "none of them") == ("", 1)
