"""The text of the rules. That they do what they say is shown on an engine, in tests/e2e/docker."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from executor.drivers.docker.network.allowed import parse_allowed
from executor.drivers.docker.network.rules import Allowance, Bridge, Chains, Joined, Rules

CHAINS = Chains.of("1a2b3c4d")
OPEN = Bridge(device="lgo", gateway=IPv4Address("10.9.0.1"), is_open=True)
CLOSED = Bridge(device="lgc", gateway=IPv4Address("10.9.8.1"), is_open=False)
FORWARD, HOST, INET = "LOCKGATE-1a2b3c4d", "LOCKGATE-1a2b3c4d-HOST", "LOCKGATE-1a2b3c4d-INET"


def joined(*, is_open: bool) -> Joined:
    return Joined(
        device="br-db",
        mac="02:42:ac:12:00:03",
        address=IPv4Address("172.18.0.3"),
        subnet=IPv4Network("172.18.0.0/16"),
        is_open=is_open,
    )


def rules(**values: object) -> Rules:
    return Rules(chains=CHAINS, port=9001, bridges=[OPEN, CLOSED], **values)  # type: ignore[arg-type]  # by name


def lines(text: str, chain: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"-A {chain} ")]


def test_chain_names_fit_into_28_characters() -> None:
    assert all(len(chain) <= 28 for chain in CHAINS)


@pytest.mark.parametrize("text", [rules().ipv4(), rules().ipv6()])
def test_all_chains_are_set_anew_in_one_step(text: str) -> None:
    assert text.splitlines()[:4] == ["*filter", *(f":{chain} - [0:0]" for chain in CHAINS)]
    assert text.endswith("COMMIT\n")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.5",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "127.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_what_is_not_the_internet_is_denied(address: str) -> None:
    """C4: private, link-local, shared, multicast and loopback addresses; its twin is a public one."""
    refused = [line.split()[3] for line in lines(rules().ipv4(), INET) if "REJECT" in line]
    assert any(IPv4Address(address) in IPv4Network(network) for network in refused)
    assert not any(IPv4Address("93.184.216.34") in IPv4Network(network) for network in refused)


def test_an_open_bridge_is_judged_by_destination_and_a_closed_one_goes_nowhere() -> None:
    """C4: `egress: none`, and its twin."""
    forward = lines(rules().ipv4(), FORWARD)
    assert f"-A {FORWARD} -i lgo -g {INET}" in forward
    assert any(line.startswith(f"-A {FORWARD} -i lgc -j REJECT") for line in forward)


def test_replies_come_in_and_nothing_else() -> None:
    """C4: no inbound; also not from this machine's other networks."""
    forward = lines(rules().ipv4(), FORWARD)
    for device in ("lgo", "lgc"):
        assert [line for line in forward if f"-o {device}" in line] == [
            f"-A {FORWARD} -o {device} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
            f"-A {FORWARD} -o {device} -j DROP",
        ]


def test_of_this_machine_only_the_runtime_api_is_reached() -> None:
    """C4: one address and one port, for each bridge its own; then nothing."""
    host = lines(rules().ipv4(), HOST)
    assert [line for line in host if "ACCEPT" in line] == [
        f"-A {HOST} -i lgo -d 10.9.0.1 -p tcp --dport 9001 -j ACCEPT",
        f"-A {HOST} -i lgc -d 10.9.8.1 -p tcp --dport 9001 -j ACCEPT",
    ]
    for device in ("lgo", "lgc"):
        mine = [line for line in host if f"-i {device} " in line]
        assert "REJECT" in mine[-1]
        assert "-d" not in mine[-1].split()


def test_name_servers_answer_open_bridges_only() -> None:
    text = rules(name_servers=[IPv4Address("10.0.0.53")]).ipv4()
    asking = [line for line in text.splitlines() if "10.0.0.53" in line]
    assert len(asking) == 4  # two protocols, to another machine or to this one
    assert all("--dport 53" in line and "-i lgc" not in line for line in asking)


def test_what_is_allowed_goes_before_what_is_denied() -> None:
    allowance = Allowance(source="-i lgo -s 10.9.0.2", target=parse_allowed("10.0.0.5:5432"))
    for chain in (FORWARD, HOST):
        found = lines(rules(allowances=[allowance]).ipv4(), chain)
        match = "-m conntrack --ctorigdst 10.0.0.5 --ctorigdstport 5432 -j ACCEPT"
        assert found[0] == f"-A {chain} -i lgo -s 10.9.0.2 -p tcp {match}"
        assert found[1] == f"-A {chain} -i lgo -s 10.9.0.2 -p udp {match}"


@pytest.mark.parametrize(("is_open", "then"), [(True, f"-g {INET}"), (False, "-j REJECT")])
def test_a_joined_network_is_no_way_around(is_open: bool, then: str) -> None:
    """C4: beyond the joined network itself, and to this machine, the same holds there as on the own bridge."""
    text = rules(joined=[joined(is_open=is_open)]).ipv4()
    source = f"-A {FORWARD} -i br-db -m mac --mac-source 02:42:ac:12:00:03"
    within = text.index(f"{source} -d 172.18.0.0/16 -j RETURN")
    assert within < text.index(f"{source} {then}")
    assert f"-A {HOST} -i br-db -m mac --mac-source 02:42:ac:12:00:03 -j REJECT" in text


def test_nobody_calls_a_function_on_a_joined_network() -> None:
    """C4: not other functions either; before what is allowed within the network."""
    text = rules(joined=[joined(is_open=True)]).ipv4()
    called = text.index("-o br-db -d 172.18.0.3 -m conntrack --ctstate NEW -j REJECT")
    assert called < text.index("-d 172.18.0.0/16 -j RETURN")


def test_of_ipv6_nothing_passes() -> None:
    """C4: the same rules hold for it, because there is none."""
    text = rules(joined=[joined(is_open=True)]).ipv6()
    assert "ACCEPT" not in text
    for device in ("lgo", "lgc", "br-db"):
        for chain in (FORWARD, HOST):
            refused = [line for line in lines(text, chain) if f"-i {device} " in line and "REJECT" in line]
            assert len(refused) == 1
