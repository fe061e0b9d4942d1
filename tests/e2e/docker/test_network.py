"""What containers reach on a real engine and a real firewall: C4 and `network:` of routes.yaml.

Each thing that is refused is reached by a container that differs in one thing.
"""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest
from docker.models.containers import Container

from executor.driver import StartError
from tests.support.engine import Engine
from tests.support.isolation_network import SERVE, WAIT, NetworkInstance, instance, is_root, reached, resolves
from tests.support.isolation_stand import DATABASE_PORT, METADATA, OTHER_PORT, Stand, answering, standing

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not is_root(), reason="rules and namespaces need root"),
]

REFUSED = "No route to host"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """:param plain: a container as the engine makes it by itself; the other functions serve on 5432."""

    stand: Stand
    lockgate: NetworkInstance
    plain: Container
    plain_peer: str
    open: Container
    closed: Container
    lonely: Container
    other: str
    joined: Container
    joined_only: Container
    joined_other: str
    database: str
    network: str
    published: int


@pytest.fixture(scope="module")
def world(engine: Engine) -> Iterator[World]:
    with standing() as stand, instance(engine) as lockgate:
        client, image, label = lockgate.client, lockgate.image, lockgate.label
        network = client.networks.create(f"lgtest-{label}", labels={"lockgate.test": label})
        others: list[Container] = []

        def outside(command: list[str], **options: object) -> Container:
            options.setdefault("network_mode", "bridge")
            container = client.containers.run(
                image, command, detach=True, init=True, labels={"lockgate.test": label}, **options
            )
            others.append(container)
            container.reload()
            return container

        try:
            peer = outside(SERVE)
            database = outside(SERVE, network_mode=network.name, name=f"db-{label}", ports={"5432/tcp": None})
            other = lockgate.start("internet", command=SERVE)
            joined_other = lockgate.start("internet", join=[network.name], command=SERVE)
            joined_other.reload()
            yield World(
                stand=stand,
                lockgate=lockgate,
                plain=outside(WAIT),
                plain_peer=peer.attrs["NetworkSettings"]["IPAddress"],
                open=lockgate.start("internet"),
                closed=lockgate.start("closed"),
                lonely=lockgate.start("none"),
                other=str(lockgate.plan_of(other).address),
                joined=lockgate.start("internet", join=[network.name]),
                joined_only=lockgate.start("none", join=[network.name]),
                joined_other=joined_other.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"],
                database=f"db-{label}",
                network=network.name,
                published=int(database.attrs["NetworkSettings"]["Ports"]["5432/tcp"][0]["HostPort"]),
            )
        finally:
            lockgate.close()
            for container in others:
                container.remove(force=True)
            network.remove()


def forbidden(world: World) -> dict[str, tuple[str, int]]:
    stand = world.stand
    return {
        "private": (stand.private, DATABASE_PORT),
        "link-local": (stand.link_local, 80),
        "metadata": (METADATA, 80),
        "host": (stand.host, stand.host_port),
        "gateway": (world.lockgate.networks.gateways[0], stand.host_port),
        "published-port": (stand.host, world.published),
        "default-bridge": ("172.17.0.1", stand.host_port),
    }


def test_the_stand_is_reached_without_the_rules(world: World) -> None:
    """C4: the twin of what follows: the engine's own network reaches all of it, and the Internet."""
    targets = [
        *forbidden(world).values(),
        (world.stand.public, DATABASE_PORT),
        (world.plain_peer, DATABASE_PORT),
    ]
    assert reached(world.plain, *targets) == ["here"] * len(targets)


@pytest.mark.parametrize("kind", ["open", "closed", "joined", "joined_only"])
def test_the_machine_and_its_networks_are_out_of_reach(world: World, kind: str) -> None:
    """C4: private and link-local addresses, the metadata address, this machine by every address it has."""
    found = reached(getattr(world, kind), *forbidden(world).values())
    assert dict(zip(forbidden(world), found, strict=True)) == dict.fromkeys(forbidden(world), REFUSED)


def test_the_internet_is_reached_by_default(world: World) -> None:
    for container in (world.open, world.joined):
        assert reached(container, (world.stand.public, DATABASE_PORT)) == ["here"]


def test_without_egress_the_internet_is_not_reached(world: World) -> None:
    """C4: its twin is the test before this one."""
    for container in (world.closed, world.joined_only):
        assert reached(container, (world.stand.public, DATABASE_PORT)) == [REFUSED]
    assert reached(world.lonely, (world.stand.public, DATABASE_PORT)) == ["Network is unreachable"]


def test_functions_do_not_reach_each_other(world: World) -> None:
    """C4: not on the common bridge, and not on a network that both have joined, where the database answers."""
    assert reached(world.open, (world.other, DATABASE_PORT)) == [REFUSED]
    on_network = reached(world.joined, (world.joined_other, DATABASE_PORT), (world.database, DATABASE_PORT))
    assert on_network == [REFUSED, "here"]


@pytest.mark.parametrize("kind", ["joined", "joined_only"])
def test_a_joined_network_is_reached_by_name(world: World, kind: str) -> None:
    assert reached(getattr(world, kind), (world.database, DATABASE_PORT)) == ["here"]


def test_a_network_that_is_not_joined_is_not_reached(world: World) -> None:
    """C4: by name it is unknown, by address refused."""
    client = world.lockgate.client
    address = client.containers.get(world.database).attrs["NetworkSettings"]["Networks"][world.network][
        "IPAddress"
    ]
    assert reached(world.open, (address, DATABASE_PORT)) == [REFUSED]
    assert reached(world.joined, (address, DATABASE_PORT)) == ["here"]
    assert not resolves(world.open, world.database)


def test_of_this_machine_the_runtime_api_is_reached(world: World) -> None:
    """C4: one port of the bridge's own address, with and without egress."""
    for container, gateway in zip((world.open, world.closed), world.lockgate.networks.gateways, strict=True):
        with answering(gateway, 9001), answering(gateway, 9002):
            assert reached(container, (gateway, 9001), (gateway, 9002)) == ["here", REFUSED]


def test_what_is_allowed_is_reached_and_nothing_beside_it(world: World) -> None:
    lockgate, stand = world.lockgate, world.stand
    published = (stand.host, world.published)
    allow = [f"{stand.private}:{DATABASE_PORT}", f"{published[0]}:{published[1]}"]
    for egress in ("internet", "closed"):
        container = lockgate.start(egress, allow=allow)
        targets = [
            (stand.private, DATABASE_PORT),
            published,
            (stand.private, OTHER_PORT),
            (stand.host, stand.host_port),
        ]
        assert reached(container, *targets) == ["here", "here", REFUSED, REFUSED]
        lockgate.end(container)


def test_a_port_of_this_machine_may_be_allowed(world: World) -> None:
    stand = world.stand
    container = world.lockgate.start("internet", allow=[f"{stand.host}:{stand.host_port}"])
    assert reached(container, (stand.host, stand.host_port), ("172.17.0.1", stand.host_port)) == [
        "here",
        REFUSED,
    ]
    world.lockgate.end(container)


def test_an_address_may_be_allowed_whole(world: World) -> None:
    stand = world.stand
    container = world.lockgate.start("closed", allow=[stand.private])
    assert reached(container, (stand.private, DATABASE_PORT), (stand.private, OTHER_PORT)) == ["here", "here"]
    world.lockgate.end(container)


def test_what_is_allowed_to_one_is_not_allowed_to_another(world: World) -> None:
    """C4: also not to the one that runs when the first is gone."""
    target = (world.stand.private, DATABASE_PORT)
    container = world.lockgate.start("internet", allow=[f"{target[0]}:{target[1]}"])
    assert reached(container, target) == ["here"]
    assert reached(world.open, target) == [REFUSED]
    world.lockgate.end(container)
    assert f"ctorigdst {target[0]}" not in saved_rules()


def test_names_of_the_internet_are_found_as_on_this_machine(world: World) -> None:
    """The machine's name server may be a private address; what it says reaches functions with egress."""
    name = "pypi.org"
    try:
        here = bool(socket.getaddrinfo(name, 443, socket.AF_INET))
    except OSError:
        here = False
    assert resolves(world.open, name) is here
    assert not resolves(world.closed, name)
    assert not resolves(world.joined_only, name)


def test_nothing_on_the_network_reaches_a_function(world: World) -> None:
    """C4: from a machine around, with a route to the bridge; a published port of another container is the twin."""
    namespace = next(
        line.split()[0]
        for line in subprocess.run(
            ["ip", "netns"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        if world.stand.private in addresses_of(line.split()[0])
    )
    assert calls_from(namespace, world.stand.host, world.published) == "here"
    assert calls_from(namespace, world.other, DATABASE_PORT) == "refused"


def addresses_of(namespace: str) -> str:
    command = ["ip", "-n", namespace, "address"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def calls_from(namespace: str, host: str, port: int) -> str:
    code = (
        "import socket,sys\n"
        "try: print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).recv(5).decode().strip())\n"
        "except OSError: print('refused')\n"
    )
    command = ["ip", "netns", "exec", namespace, "python3", "-c", code, host, str(port)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("name", ["host", "bridge", "none", "no-such-network"])
def test_networks_that_cannot_be_joined(world: World, name: str) -> None:
    """C4: its twin is the network that is joined above."""
    with pytest.raises(StartError) as refused:
        world.lockgate.start("internet", join=[name])
    assert name in str(refused.value)


def test_ipv6_of_a_joined_network_is_no_way_to_this_machine(world: World) -> None:
    """C4: by its address there, and by the link-local one that every bridge has."""
    client, label = world.lockgate.client, world.lockgate.label
    subnet = f"fd00:{label[:4]}:{label[4:]}::"
    pool = docker.types.IPAMPool(subnet=f"{subnet}/64", gateway=f"{subnet}1")
    network = client.networks.create(
        f"lgtest6-{label}",
        labels={"lockgate.test": label},
        enable_ipv6=True,
        ipam=docker.types.IPAMConfig(pool_configs=[pool]),
    )
    plain = client.containers.run(world.lockgate.image, WAIT, detach=True, init=True, network=network.name)
    try:
        joined = world.lockgate.start("none", join=[network.name])
        with answering("::") as port:
            targets = [(f"{subnet}1", port), ("fe80::1%eth0", port)]
            assert reached(plain, *targets) == ["here", "here"]
            assert "here" not in reached(joined, *targets)
        world.lockgate.end(joined)
    finally:
        plain.remove(force=True)
        network.remove()


def test_rules_that_somebody_flushed_come_back(world: World) -> None:
    target = (world.stand.private, DATABASE_PORT)
    chain = f"LOCKGATE-{world.lockgate.label}"
    for command in (f"iptables -w 5 -F {chain}", f"iptables -w 5 -D DOCKER-USER -j {chain}"):
        subprocess.run(command.split(), check=True)
    assert reached(world.open, target) == ["here"]
    world.lockgate.runner.run(world.lockgate.networks.refresh())
    assert reached(world.open, target) == [REFUSED]


def test_what_a_killed_one_left_goes_at_its_next_start(engine: Engine) -> None:
    """C7: nothing of it is there twice, and what its containers were allowed is allowed no more."""
    with instance(engine) as first:
        plan = first.runner.run(first.networks.reserve("internet"))
        first.runner.run(first.networks.permit(plan, ["10.11.12.13:5432"]))
        assert any("10.11.12.13" in line for line in own_rules(first.label))
        with instance(engine, first.label) as second:  # the first knows nothing of it, as if it were gone
            rules = own_rules(second.label)
            assert not any("10.11.12.13" in line for line in rules)
            jumps = [line for line in rules if not line.startswith(("-A LOCKGATE", ":"))]
            assert len(jumps) == 4  # two for each family
            assert len(networks_of(second.client, second.label)) == 2


def test_two_instances_leave_each_other_alone(engine: Engine, world: World) -> None:
    """One opens and closes beside the other; neither's functions reach the other's, and only its own rules go."""
    before = own_rules(world.lockgate.label)
    with instance(engine) as second:
        assert own_rules(world.lockgate.label) == before
        container = second.start("internet")
        gateway = world.lockgate.networks.gateways[0]
        assert (
            reached(container, (world.other, DATABASE_PORT), (gateway, world.stand.host_port))
            == [REFUSED] * 2
        )
        assert own_rules(second.label)
        second.end(container)
        second.runner.run(second.networks.close())
        assert own_rules(second.label) == []
        assert networks_of(second.client, second.label) == []
    assert own_rules(world.lockgate.label) == before
    assert len(networks_of(world.lockgate.client, world.lockgate.label)) == 2


def saved_rules() -> str:
    saves = [
        subprocess.run([command], capture_output=True, text=True, check=True).stdout
        for command in ("iptables-save", "ip6tables-save")
    ]
    return "".join(saves)


def own_rules(label: str) -> list[str]:
    return sorted(
        line.partition(" [")[0] for line in saved_rules().splitlines() if f"LOCKGATE-{label}" in line
    )


def networks_of(client: docker.DockerClient, label: str) -> list[str]:
    return [each.name for each in client.networks.list(filters={"label": f"lockgate.instance={label}"})]
