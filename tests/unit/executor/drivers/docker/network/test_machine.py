"""Routes and name servers of the machine."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from executor.drivers.docker.network import machine

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
"""


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    file = tmp_path / "route"
    file.write_text(ROUTES)
    return file


def test_routes_are_read_in_the_machines_byte_order(routes: Path) -> None:
    expected = {IPv4Network("0.0.0.0/0"), IPv4Network("172.17.0.0/16"), IPv4Network("192.0.2.0/24")}
    assert set(machine.routed_networks(routes)) == expected


def test_a_machine_without_the_file_has_no_routes(tmp_path: Path) -> None:
    assert machine.routed_networks(tmp_path / "none") == ()
    assert machine.uplink_mtu(tmp_path / "none") is None


def test_the_packets_of_a_bridge_are_as_large_as_the_way_out_takes(routes: Path, tmp_path: Path) -> None:
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "mtu").write_text("1400\n")
    assert machine.uplink_mtu(routes, tmp_path) == 1400


@pytest.mark.parametrize(
    ("resolv_conf", "resolved", "expected"),
    [
        pytest.param("nameserver 10.0.0.53\n", "", ("10.0.0.53",), id="private"),
        pytest.param(
            "# no\nsearch x\nnameserver 1.1.1.1\nnameserver fd00::1\n", "", ("1.1.1.1",), id="ipv6-left-out"
        ),
        pytest.param("nameserver 127.0.0.53\n", "nameserver 192.168.1.1\n", ("192.168.1.1",), id="systemd"),
        pytest.param("nameserver 127.0.0.1\n", "", (), id="the-machine-itself"),
        pytest.param("nameserver\nnameserver x\n", "", (), id="damaged"),
    ],
)
def test_name_servers_are_those_that_the_engine_asks(
    tmp_path: Path, resolv_conf: str, resolved: str, expected: tuple[str, ...]
) -> None:
    (tmp_path / "a").write_text(resolv_conf)
    (tmp_path / "b").write_text(resolved)
    found = machine.name_servers(tmp_path / "a", tmp_path / "b")
    assert found == tuple(IPv4Address(each) for each in expected)


@pytest.mark.parametrize(("content", "expected"), [("1\n", True), ("0\n", False), (None, False)])
def test_whether_rules_see_traffic_within_a_bridge(
    tmp_path: Path, content: str | None, expected: bool
) -> None:
    switch = tmp_path / "bridge-nf-call-iptables"
    if content is not None:
        switch.write_text(content)
    assert machine.judges_bridged(switch) is expected
