"""What `podkeeper nodes install` takes."""

from __future__ import annotations

import pytest

from entrypoint.nodes.origin import Origin
from entrypoint.nodes.outcome import Refused
from entrypoint.nodes.source import parse_wanted

COMMIT = "0123abc"


@pytest.mark.parametrize(
    ("address", "name", "origin"),
    [
        ("https://github.com/a/Node.git", "Node", Origin("https://github.com/a/Node.git")),
        ("https://github.com/a/Node/", "Node", Origin("https://github.com/a/Node/")),
        (f"https://github.com/a/Node@{COMMIT}", "Node", Origin("https://github.com/a/Node", COMMIT)),
        (f"a/Node@{COMMIT}", "Node", Origin("https://github.com/a/Node", COMMIT)),
        ("/srv/git/Node.git", "Node", Origin("/srv/git/Node.git")),
        ("comfyui-node", "comfyui-node", Origin(registry="comfyui-node")),
        ("comfyui-node@1.2.0", "comfyui-node", Origin(registry="comfyui-node", version="1.2.0")),
        (f"comfyui-node@{COMMIT}", "comfyui-node", Origin(registry="comfyui-node", commit=COMMIT)),
    ],
)
def test_addresses(address: str, name: str, origin: Origin) -> None:
    assert parse_wanted(address) == (name, origin)


@pytest.mark.parametrize(
    "address",
    ["", "not an address", "ssh://git@example.com/a/b", "https://user:pw@example.com/a/b", "--upload-pack=evil",
     "https://example.com/", "https://github.com/a/Node@main", "../../etc", "a/..", "@1.0", "file:///etc", "-x@1.0"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        parse_wanted(address)
