"""Rules set by the real programs of both kinds, in a network namespace of the test's own."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.drivers.docker.network import programs
from tests.support.isolation_network import is_root

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not is_root(), reason="network namespaces need root"),
]

ROOT = Path(__file__).parents[3]
# What the driver does, with the programs of one kind only.
SCRIPT = """
import asyncio, json, os, sys
from ipaddress import IPv4Address
from executor.drivers.docker.network import firewall
from executor.drivers.docker.network.programs import FirewallError
from executor.drivers.docker.network.rules import Bridge, Chains, Rules
suffix, user, *steps = sys.argv[1:]
firewall._SUFFIXES = (suffix,)
if user != "0":
    os.setgroups([]); os.setuid(int(user))
chains = Chains.of("1a2b3c4d")
rules = Rules(chains=chains, port=9001, bridges=[Bridge(device="lgo", gateway=IPv4Address("10.9.0.1"), is_open=True)])
async def main():
    walls = firewall.Firewall(chains)
    try:
        await walls.open()
        for step in steps:
            await (walls.apply(rules) if step == "apply" else walls.remove())
    except FirewallError as error:
        print(json.dumps(str(error)))
    else:
        print(json.dumps("set"))
asyncio.run(main())
"""
FOREIGN = ("-A FORWARD -s 10.1.0.0/16 -j ACCEPT", "-A INPUT -s 10.2.0.0/16 -j ACCEPT")


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"lgf-{secrets.token_hex(3)}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "delete", name], check=True)


@pytest.fixture(params=["-nft", "-legacy"])
def suffix(request: pytest.FixtureRequest) -> str:
    """Both are part of Debian's package."""
    found = str(request.param)
    assert programs.find(f"iptables{found}") is not None, "the package iptables is not whole"
    return found


def within(namespace: str, *command: str) -> str:
    whole = ["ip", "netns", "exec", namespace, *command]
    return subprocess.run(whole, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def act(namespace: str, suffix: str, *steps: str, user: int = 0) -> str:
    return str(json.loads(within(namespace, sys.executable, "-c", SCRIPT, suffix, str(user), *steps)))


def rules_of(namespace: str, suffix: str) -> list[str]:
    """Of both families."""
    families = [within(namespace, f"{command}{suffix}-save") for command in ("iptables", "ip6tables")]
    return [line for text in families for line in text.splitlines() if line.startswith("-A ")]


def put_foreign(namespace: str, suffix: str) -> None:
    for rule in FOREIGN:
        within(namespace, f"iptables{suffix}", *rule.split())


def test_rules_are_set_once_however_often_and_leave_nothing(namespace: str, suffix: str) -> None:
    """C4: what others have set stays as it is, also when ours go."""
    put_foreign(namespace, suffix)
    before = rules_of(namespace, suffix)
    assert act(namespace, suffix, "apply") == "set"
    once = rules_of(namespace, suffix)
    assert set(FOREIGN) <= set(once)
    for parent, chain in (("FORWARD", "LOCKGATE-1a2b3c4d"), ("INPUT", "LOCKGATE-1a2b3c4d-HOST")):
        assert once.count(f"-A {parent} -j {chain}") == 2  # in each family
        own = [line for line in once if line.startswith(f"-A {parent} ")]
        assert own[0] == f"-A {parent} -j {chain}"  # before what others accept
    assert act(namespace, suffix, "apply", "apply") == "set"
    assert rules_of(namespace, suffix) == once
    assert act(namespace, suffix, "remove", "remove") == "set"
    assert rules_of(namespace, suffix) == before
    chains = within(namespace, f"iptables{suffix}-save") + within(namespace, f"ip6tables{suffix}-save")
    assert "LOCKGATE" not in chains


def test_the_engines_own_chain_is_taken_where_there_is_one(namespace: str, suffix: str) -> None:
    within(namespace, f"iptables{suffix}", "-N", "DOCKER-USER")
    assert act(namespace, suffix, "apply") == "set"
    found = rules_of(namespace, suffix)
    assert "-A DOCKER-USER -j LOCKGATE-1a2b3c4d" in found
    assert found.count("-A FORWARD -j LOCKGATE-1a2b3c4d") == 1  # of IPv6, where the engine has no chain


def test_who_may_not_is_told_in_the_programs_own_words(namespace: str, suffix: str) -> None:
    """C4: its twin is root, above. The driver then says what functions can reach."""
    said = act(namespace, suffix, "apply", user=65534)
    assert said != "set"
    assert f"iptables{suffix}" in said
    assert rules_of(namespace, suffix) == []


def test_a_machine_without_the_programs_is_told(namespace: str) -> None:
    assert act(namespace, "-of-another-kind", "apply") == "iptables is not installed"
