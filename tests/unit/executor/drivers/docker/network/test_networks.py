"""Plans, addresses and rules of containers, over an engine and a firewall that only remember."""

import asyncio
from typing import Any

import pytest

from executor.driver import StartError
from executor.drivers.docker.engine.errors import EngineError, NotFound
from executor.drivers.docker.network import Networks, egress_of, machine, networks
from executor.drivers.docker.network.programs import FirewallError
from executor.drivers.docker.network.rules import Rules
from executor.revision import NetworkConfig
from kit.names import Names

NAMES = Names(instance="1a2b3c4d", epoch=7)
DATABASE = {
    "Name": "db",
    "Id": "f" * 64,
    "Driver": "bridge",
    "Scope": "local",
    "IPAM": {"Config": [{"Subnet": "172.30.0.0/16"}]},
}
ENDPOINTS = {"db": {"MacAddress": "02:42:ac:1e:00:03", "IPAddress": "172.30.0.3"}}


class Engine:
    """Networks by name, as the engine keeps them. :ivar refuse: answers for the next creates."""

    def __init__(self, *there: dict[str, Any]) -> None:
        self.networks = {str(each["Name"]): each for each in there}
        self.refuse: list[EngineError] = []
        self.cut_off: list[str] = []

    async def request(self, method: str, path: str, *, query: Any = None, body: Any = None) -> Any:
        if (method, path) == ("GET", "/networks"):
            return list(self.networks.values())
        if (method, path) == ("POST", "/networks/create"):
            if self.refuse:
                raise self.refuse.pop(0)
            self.networks[body["Name"]] = {**body, "Id": "e" * 64, "Scope": "local"}
            return {"Id": "e" * 64}
        name, _, verb = path.removeprefix("/networks/").partition("/")
        if name not in self.networks:
            raise NotFound(404, f"network {name} not found")
        if verb == "disconnect":
            self.cut_off.append(body["Container"])
        elif method == "DELETE":
            del self.networks[name]
        else:
            return self.networks[name]
        return None


class Firewall:
    """:ivar rules: the last that were set, None before and after. :cvar problem: why none can be."""

    problem: str | None = None
    settings = 0
    rules: Rules | None = None

    def __init__(self, chains: object) -> None:
        Firewall.settings = 0

    async def open(self) -> None:
        if Firewall.problem:
            raise FirewallError(Firewall.problem)

    async def apply(self, rules: Rules) -> None:
        await asyncio.sleep(0)
        if Firewall.problem:
            raise FirewallError(Firewall.problem)
        Firewall.rules = rules
        Firewall.settings += 1

    update = apply

    async def remove(self) -> None:
        Firewall.rules = None


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    Firewall.problem = None
    Firewall.rules = None
    monkeypatch.setattr(networks, "Firewall", Firewall)
    monkeypatch.setattr(machine, "has_device", lambda device: True)
    monkeypatch.setattr(machine, "judges_bridged", lambda: True)
    monkeypatch.setattr(machine, "routed_networks", tuple)
    monkeypatch.setattr(machine, "name_servers", tuple)
    monkeypatch.setattr(machine, "uplink_mtu", lambda: 1400)


async def opened(engine: Engine) -> Networks:
    found = Networks(engine, NAMES)
    await found.open()
    return found


def now() -> Rules:
    assert Firewall.rules is not None
    return Firewall.rules


async def test_an_instance_has_two_bridges_of_its_own() -> None:
    """C4: containers on them do not see each other; names, labels and devices are the instance's."""
    engine = Engine()
    found = await opened(engine)
    assert set(engine.networks) == {"lockgate-1a2b3c4d", "lockgate-1a2b3c4d-closed"}
    for made in engine.networks.values():
        assert made["Labels"] == {"lockgate.instance": "1a2b3c4d", "lockgate.epoch": "7"}
        assert made["Options"]["com.docker.network.bridge.enable_icc"] == "false"
        assert made["Options"]["com.docker.network.driver.mtu"] == "1400"
        assert made["EnableIPv6"] is False
        assert made["Internal"] is False
    assert len(set(found.gateways)) == 2
    assert found.degraded == ()


async def test_what_an_earlier_start_left_is_made_anew() -> None:
    left = {"Name": "lockgate-1a2b3c4d", "Id": "a", "Containers": {"c0ffee": {}}}
    other = {"Name": "lockgate-ffffffff", "Id": "b"}
    engine = Engine(left, other)
    await opened(engine)
    assert engine.cut_off == ["c0ffee"]
    assert engine.networks["lockgate-1a2b3c4d"]["Id"] != "a"
    assert engine.networks["lockgate-ffffffff"] is other


async def test_a_subnet_that_somebody_takes_meanwhile_is_passed_over() -> None:
    engine = Engine()
    first = (await opened(engine)).gateways[0]
    engine = Engine()
    engine.refuse = [EngineError(403, "Pool overlaps with other one on this address space")]
    assert (await opened(engine)).gateways[0] != first


async def test_another_refusal_of_the_engine_is_told() -> None:
    engine = Engine()
    engine.refuse = [EngineError(500, "no space left on device")]
    with pytest.raises(EngineError, match="no space left"):
        await opened(engine)


@pytest.mark.parametrize(
    ("config", "by_host", "expected"),
    [
        pytest.param(NetworkConfig(), False, "internet", id="default"),
        pytest.param(NetworkConfig(egress="none"), False, "none", id="none"),
        pytest.param(NetworkConfig(egress="none"), True, "closed", id="official-client"),
        pytest.param(NetworkConfig(egress="none", allow=("10.0.0.5:1",)), False, "closed", id="allow"),
    ],
)
async def test_the_class_of_a_function(config: NetworkConfig, by_host: bool, expected: str) -> None:
    assert egress_of(config, by_host=by_host) == expected
    plan = await (await opened(Engine())).reserve(expected)
    assert plan.mode == {
        "internet": "lockgate-1a2b3c4d",
        "closed": "lockgate-1a2b3c4d-closed",
        "none": "none",
    }[expected]  # fmt: skip
    assert (plan.address is None) == (expected == "none")


async def test_a_plan_names_the_runtime_api_at_the_bridge() -> None:
    found = await opened(Engine())
    plan = await found.reserve("closed")
    assert plan.extra_hosts("secret.runtime") == (f"secret.runtime:{found.gateways[1]}",)
    assert plan.endpoints == {plan.mode: {"IPAMConfig": {"IPv4Address": plan.address}}}
    assert (await found.reserve("none")).extra_hosts("secret.runtime") == ()


async def test_what_is_allowed_ends_with_the_container() -> None:
    """C4: its address will be another function's."""
    found = await opened(Engine())
    plan = await found.reserve("internet")
    await found.permit(plan, ["10.0.0.5:5432"])
    assert [str(each.target) for each in now().allowances] == ["10.0.0.5:5432"]
    await found.release(plan)
    await found.release(plan)
    assert now().allowances == []


async def test_an_address_is_another_s_only_without_the_rules_of_the_last() -> None:
    """C4"""
    found = await opened(Engine())
    plan = await found.reserve("internet")
    await found.permit(plan, ["10.0.0.5:5432"])
    Firewall.problem = "the lock is taken"
    await found.release(plan)
    Firewall.problem = None
    others = {(await found.reserve("internet")).address for _ in range(999)}
    assert plan.address not in others
    with pytest.raises(StartError, match="All addresses"):
        await found.reserve("internet")


async def test_an_entry_that_is_none_fails_the_start() -> None:
    found = await opened(Engine())
    with pytest.raises(StartError, match=r"network\.allow: .*never open") as refused:
        await found.permit(await found.reserve("internet"), ["169.254.169.254:80"])
    assert refused.value.permanent


async def test_rules_that_cannot_be_set_fail_the_start_without_saying_why() -> None:
    found = await opened(Engine())
    plan = await found.reserve("internet")
    Firewall.problem = "iptables: the lock is taken"
    with pytest.raises(StartError) as refused:
        await found.permit(plan, ["10.0.0.5:5432"])
    assert not refused.value.permanent
    assert "iptables" not in str(refused.value)


async def test_many_who_ask_at_once_share_a_setting() -> None:
    found = await opened(Engine())
    plans = [await found.reserve("internet") for _ in range(50)]
    before = Firewall.settings
    await asyncio.gather(*(found.permit(plan, ["10.0.0.5:5432"]) for plan in plans))
    assert len(now().allowances) == 50
    assert Firewall.settings - before <= 2


async def test_a_container_is_guarded_on_networks_that_it_joins() -> None:
    found = await opened(Engine(DATABASE))
    plan = await found.reserve("internet", ["db", "db"])
    assert plan.connect == ("db",)
    await found.permit(plan, ["10.0.0.5:5432"])
    await found.attached(plan, ENDPOINTS)
    (joined,) = now().joined
    assert (joined.device, joined.mac, joined.is_open) == ("br-" + "f" * 12, "02:42:ac:1e:00:03", True)
    assert len(now().allowances) == 2  # whichever of its two ways the packets take
    await found.release(plan)
    assert now().joined == []


async def test_without_egress_the_joined_network_is_the_only_open_one() -> None:
    """C4: it starts on one whose rules hold already, because those of the joined one need what it gets there."""
    found = await opened(Engine(DATABASE))
    plan = await found.reserve("none", ["db"])
    assert (plan.mode, plan.connect, plan.is_late) == ("lockgate-1a2b3c4d-closed", ("db",), True)
    await found.attached(plan, ENDPOINTS)
    assert now().joined[0].is_open is False


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        pytest.param("nowhere", {}, "docker network create nowhere", id="unknown"),
        pytest.param("host", {}, "machine's own network", id="host"),
        pytest.param("none", {}, "egress: none", id="none"),
        pytest.param("bridge", {}, "default network", id="default-bridge"),
        pytest.param("container:c0ffee", {}, "another container's", id="container"),
        pytest.param("db", {"Driver": "overlay", "Scope": "swarm"}, "it is of overlay", id="overlay"),
        pytest.param("db", {"Driver": "macvlan"}, "it is of macvlan", id="macvlan"),
        pytest.param(
            "db", {"Labels": {"lockgate.instance": "ffffffff"}}, "Lockgate's own", id="an-instance-s"
        ),
        pytest.param("db", {"IPAM": {"Config": [{"Subnet": "fd00::/64"}]}}, "no IPv4", id="ipv6-only"),
    ],
)
async def test_a_network_that_cannot_be_joined(name: str, change: dict[str, Any], said: str) -> None:
    """C4: its twin is the same network without the one thing."""
    with pytest.raises(StartError) as refused:
        await (await opened(Engine({**DATABASE, **change}))).reserve("internet", [name])
    assert said in str(refused.value)
    assert refused.value.permanent
    assert (await (await opened(Engine(DATABASE))).reserve("internet", ["db"])).connect == ("db",)


async def test_the_default_network_is_not_joined_by_its_id_either() -> None:
    """C4: the engine finds networks by the beginning of their ids, too."""
    engine = Engine(DATABASE)
    found = await opened(engine)
    engine.networks["ffff"] = {**DATABASE, "Name": "bridge"}
    with pytest.raises(StartError, match="default network"):
        await found.reserve("internet", ["ffff"])
    engine.networks["ffff"] = {**DATABASE, "Name": "other"}
    assert (await found.reserve("internet", ["ffff"])).connect == ("other",)


async def test_where_no_rules_can_be_set_it_is_said_and_egress_none_still_holds() -> None:
    """C4: a closed bridge is then the engine's internal kind; what would be a way out is refused."""
    Firewall.problem = "Permission denied (you must be root)"
    engine = Engine(DATABASE)
    found = await opened(engine)
    assert not found.is_guarded
    assert "you must be root" in found.degraded[0]
    assert engine.networks["lockgate-1a2b3c4d-closed"]["Internal"] is True
    assert engine.networks["lockgate-1a2b3c4d"]["Internal"] is False
    with pytest.raises(StartError, match="no firewall rules"):
        await found.permit(await found.reserve("closed"), ["10.0.0.5:5432"])
    with pytest.raises(StartError, match="no firewall rules"):
        await found.reserve("none", ["db"])
    await found.permit(await found.reserve("internet", ["db"]), ["10.0.0.5:5432"])


async def test_an_engine_with_networks_of_its_own_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_device", lambda device: False)
    found = await opened(Engine())
    assert "rootless" in found.degraded[0]
    assert Firewall.rules is None


async def test_traffic_that_rules_do_not_see_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "judges_bridged", lambda: False)
    assert "br_netfilter" in (await opened(Engine())).degraded[0]


async def test_rules_that_somebody_removed_come_back() -> None:
    found = await opened(Engine())
    Firewall.rules = None
    await found.refresh()
    assert len(now().bridges) == 2
    Firewall.problem = "gone"
    await found.refresh()  # said in the log; what was set before is still there


async def test_a_function_is_judged_before_it_is_called() -> None:
    found = await opened(Engine(DATABASE))
    await found.check(NetworkConfig(join=("db",), allow=("10.0.0.5:1",)))
    for wrong in (NetworkConfig(join=("dbb",)), NetworkConfig(allow=("db:1",))):
        with pytest.raises(StartError):
            await found.check(wrong)


async def test_closing_leaves_nothing() -> None:
    engine = Engine(DATABASE)
    found = await opened(engine)
    await found.reserve("internet")
    await found.close()
    assert set(engine.networks) == {"db"}
    assert Firewall.rules is None
    assert found.gateways == ()
