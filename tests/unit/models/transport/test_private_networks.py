"""Which addresses a request may go to."""

import pytest

from entrypoint.models.transport.private_networks import host_of, may_connect

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "::1", "::", "fd00::1",
    "fc00::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "224.0.0.1", "ff02::1", "240.0.0.1",
)  # fmt: skip
LINK_LOCAL = ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe")


@pytest.mark.parametrize("ip", ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_a_public_address_may_be_reached(ip: str) -> None:
    assert may_connect(ip, "example.com", named=False)


@pytest.mark.parametrize("ip", [*PRIVATE, *LINK_LOCAL])
def test_a_private_address_may_be_reached_where_the_user_names_its_host_only(ip: str) -> None:
    assert not may_connect(ip, "example.com", named=False)
    assert may_connect(ip, "nas.example.com", named=True) is (ip in PRIVATE)


def test_a_link_local_address_may_be_reached_where_the_user_names_it_itself() -> None:
    assert may_connect("169.254.1.1", "169.254.1.1", named=True)
    assert not may_connect("169.254.1.1", "metadata.example.com", named=True)


def test_the_host_of_an_address() -> None:
    assert host_of("http://Me@Example.com:1/x") == "example.com"
    assert host_of("http://[::1]/x") == "::1"
    assert host_of("http://[::1/x") == ""
