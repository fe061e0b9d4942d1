"""What a function cannot do: each probe is code inside its container, and does the forbidden thing elsewhere.

The probes are in tests/support/isolation_inside. One call runs them all in a function's container; the same file
runs in containers without the profile, where each must succeed: what cannot fail proves nothing. No probe asks the
engine. What an engine cannot show at all is listed by `lockgate doctor` and in docs/containers.md.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Engine
from tests.support.isolation_network import is_root
from tests.support.isolation_report import table
from tests.support.isolation_stand import DATABASE_PORT
from tests.support.isolation_world import (
    DEFAULT,
    HOST_NETWORK,
    PRIVILEGED,
    USER,
    IsolationWorld,
    Results,
    isolation_world,
)

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not is_root(), reason="what there is to find needs root"),
]

# probe, where it succeeds, and the requirement
PROBES = [
    ("is-root", DEFAULT, "C1: a uid of its own, never 0"),
    ("has-capabilities", DEFAULT, "C1: all capabilities dropped"),
    ("may-regain-capabilities", DEFAULT, "C1: none to be had by any program"),
    ("setuid-program-gains-root", USER, "C1: a setuid program gains nothing"),
    ("new-privileges", DEFAULT, "C1: no-new-privileges"),
    ("write-root", DEFAULT, "C1: the image is read-only"),
    ("write-code", DEFAULT, "C1: /var/task is read-only"),
    ("write-layers", DEFAULT, "C1: /opt is read-only"),
    ("write-bootstrap", DEFAULT, "C1: what runs first is read-only"),
    ("write-channel", DEFAULT, "C1, C5: the channel's folder is read-only"),
    ("replace-socket", DEFAULT, "C5: the channel's socket cannot be replaced"),
    ("overfill-tmp", DEFAULT, "C1: /tmp has a size"),
    ("setuid-files-in-tmp", DEFAULT, "C1: nosuid"),
    ("devices-in-tmp", DEFAULT, "C1: nodev"),
    ("fill-shared-memory", DEFAULT, "C1: no memory beside the limit"),
    ("file-of-the-machine", PRIVILEGED, "C1: no mounts but its own"),
    ("channel-of-another", PRIVILEGED, "C5: another's channel is not there"),
    ("engine-socket", PRIVILEGED, "C2: the engine is out of reach"),
    ("many-processes", DEFAULT, "C1: 1,024 processes"),
    ("many-open-files", DEFAULT, "C1: 1,024 files"),
    ("raise-priority", PRIVILEGED, "C1: its share of the CPU stays"),
    ("write-cgroup", PRIVILEGED, "C1: limits are not its own to set"),
    ("mount-file-system", PRIVILEGED, "C1: mount"),
    ("unmount-file-system", PRIVILEGED, "C1: umount"),
    ("new-mount-namespace", PRIVILEGED, "C1: unshare"),
    ("new-user-namespace", PRIVILEGED, "C1: unshare, where it would be root of what it makes"),
    ("new-network-namespace", PRIVILEGED, "C1: unshare"),
    ("enter-namespace", PRIVILEGED, "C1: setns"),
    ("change-root", DEFAULT, "C1: chroot"),
    ("make-device", DEFAULT, "C1: mknod"),
    ("open-device", PRIVILEGED, "C1: no devices"),
    ("program-kernel", PRIVILEGED, "C1: bpf"),
    ("use-keyrings", PRIVILEGED, "C1: keyctl"),
    ("watch-performance", PRIVILEGED, "C1: perf_event_open"),
    ("load-module", PRIVILEGED, "C1: finit_module"),
    ("reboot-machine", PRIVILEGED, "C1: reboot"),
    ("swap-on", PRIVILEGED, "C1: swapon"),
    ("read-kernel-log", PRIVILEGED, "C1: syslog"),
    ("set-time", PRIVILEGED, "C1: the clock is the machine's"),
    ("set-host-name", PRIVILEGED, "C1: sethostname"),
    ("write-sysctl", PRIVILEGED, "C1: /proc/sys is read-only"),
    ("write-sysfs", PRIVILEGED, "C1: /sys is read-only"),
    ("read-interrupts", DEFAULT, "C1: /proc/interrupts"),
    ("read-keys", PRIVILEGED, "C1: /proc/keys"),
    ("process-of-the-machine", PRIVILEGED, "C1: process numbers of its own"),
    ("signal-process-of-the-machine", PRIVILEGED, "C1: process numbers of its own"),
    ("trace-process-of-the-machine", PRIVILEGED, "C1: ptrace"),
    ("shared-memory-of-the-machine", PRIVILEGED, "C1: ipc private"),
    ("secrets-of-the-server", PRIVILEGED, "C9: the server's variables are nowhere"),
    ("raw-socket", DEFAULT, "C4: no packets of its own making"),
    ("packet-socket", DEFAULT, "C4: no packets of others"),
    ("change-interface", PRIVILEGED, "C4: its network stays as it is"),
    ("loopback-of-the-machine", HOST_NETWORK, "C4: host loopback"),
    ("port-of-the-machine", DEFAULT, "C4: ports of the host, such as the admin port"),
    ("gateway-of-the-bridge", DEFAULT, "C4: the host by the bridge's address"),
    ("metadata-address", DEFAULT, "C4: 169.254.169.254"),
    ("link-local-address", DEFAULT, "C4: 169.254.0.0/16"),
    ("private-address", DEFAULT, "C4: private ranges"),
    ("another-function", DEFAULT, "C4: traffic between containers is off"),
]


@pytest.fixture(scope="module")
def world(engine: Engine) -> Iterator[IsolationWorld]:
    with isolation_world(engine) as opened:
        yield opened


@pytest.fixture(scope="module")
def seen(world: IsolationWorld) -> Results:
    """What all probes came to in a function's container."""
    found: Results = world.call("probed", action="probes", facts=world.facts)
    return found


@pytest.fixture(scope="module")
def elsewhere(world: IsolationWorld) -> Results:
    """What each came to where it must succeed."""
    found: dict[str, tuple[str, str]] = {}
    for kind in (DEFAULT, USER, HOST_NETWORK, PRIVILEGED):
        found |= world.twins([name for name, where, _ in PROBES if where == kind], kind)
    return found


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name, _, _ in PROBES])
def test_a_function_cannot(seen: Results, elsewhere: Results, name: str) -> None:
    """C1, C2, C4, C5, C9: see PROBES; the twin is the same code without the profile."""
    assert elsewhere[name][0] == "done", elsewhere[name]
    assert seen[name][0] == "denied", seen[name]


def test_a_function_of_an_image_cannot_either(world: IsolationWorld, elsewhere: Results) -> None:
    """C1, C2, C4, C5, C9: its runtime client reaches the Runtime API over a network, and nothing else there.

    It was started for itself, with egress none, and carries the probes in its image.
    """
    # What it has no places for: nothing of ours is in the container.
    absent = {"write-code", "write-layers", "write-bootstrap", "write-channel", "replace-socket"}
    found: Results = world.call("imaged", action="probes", facts=world.facts)
    assert {name: said for name, said in found.items() if said[0] != "denied" and name not in absent} == {}
    assert len(world.call("imaged", action="interfaces")) == 2  # its twin in this is `quiet`, which has one


def test_no_probe_is_forgotten(seen: Results) -> None:
    assert set(seen) == {name for name, _, _ in PROBES}


def test_the_documentation_lists_the_probes() -> None:
    page = (Path(__file__).parents[3] / "docs" / "containers.md").read_text()
    assert table(PROBES) in page, "run python -m tests.support.isolation_report"


def test_a_function_may_use_tmp_as_on_lambda(world: IsolationWorld) -> None:
    assert world.call("probed", action="exec-in-tmp") == "ran\n"


def test_a_function_has_the_declared_variables_and_lambdas(world: IsolationWorld) -> None:
    """C9: nothing that the server, the engine or the image brought along."""
    variables = world.call("probed", action="environment")
    assert variables["DECLARED"] == "yes"
    variables |= world.call("probed", action="environment-of-the-first")
    assert world.facts["canary"] not in variables.values()
    known = (
        "AWS_",
        "_AWS_",
        "_X_AMZN_",
        "LAMBDA_",
        "LD_LIBRARY_PATH",
        "LC_CTYPE",
        "LANG",
        "PATH",
        "PYTHONPATH",
    )
    others = {
        name
        for name in variables
        if not name.startswith((*known, "TZ", "PWD", "SHLVL", "_HANDLER", "DECLARED"))
    }
    # The first process of a container that was waiting knows that it was a slot.
    assert others <= {"HOME", "HOSTNAME", "LOCKGATE_RUNTIME_SOCKET", "LOCKGATE_SLOT"}, others


def test_without_egress_there_is_no_network(world: IsolationWorld) -> None:
    """C4: its twin is the function with egress."""
    assert world.call("quiet", action="interfaces") == ["lo"]
    assert len(world.call("probed", action="interfaces")) == 2


def test_an_allowed_address_is_reached_by_the_one_function(world: IsolationWorld, seen: Results) -> None:
    """C4: its twin is `private-address` above, tried by a function that is not allowed it."""
    names = ["private-address", "link-local-address", "port-of-the-machine"]
    found = world.call("allowed", action="probes", facts=world.facts, names=names)
    assert [found[name][0] for name in names] == ["done", "denied", "denied"]
    assert world.facts["private"] == world.stand.private
    assert DATABASE_PORT == 5432


def test_a_database_on_a_joined_network_is_reached_by_the_one_function(world: IsolationWorld) -> None:
    """C4: by its name; for the function that has not joined, the name does not exist."""
    assert world.call("joined", action="connect", host=world.database, port=DATABASE_PORT) == "here"
    names = [
        "private-address",
        "metadata-address",
        "port-of-the-machine",
        "gateway-of-the-bridge",
        "another-function",
    ]
    found = world.call("joined", action="probes", facts=world.facts, names=names)
    assert {name: said for name, said in found.items() if said[0] != "denied"} == {}
    failed = world.answer("probed", action="connect", host=world.database, port=DATABASE_PORT)
    assert b"gaierror" in failed.payload


def test_memory_has_a_limit(world: IsolationWorld) -> None:
    """C1, C7: a function over its memory is ended, swap or not; within it, it is not; the next call is served."""
    answer = world.answer("hog", action="hog", mb=400)
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert b"OutOfMemory" in answer.payload or b"ExitError" in answer.payload, answer.payload
    assert world.call("hog", action="hog", mb=40) == 40 << 20


def test_a_function_that_ignores_everything_is_ended(world: IsolationWorld) -> None:
    """C7: signals ignored, a child in a session of its own; the timeout is the server's to keep."""
    answer = world.answer("stubborn", action="hang")
    assert b"Task timed out after 1.00 seconds" in answer.payload
    assert abs(world.call("stubborn", action="clock") - time.time()) < 60


def test_what_this_engine_lets_functions_be(world: IsolationWorld) -> None:
    """C11: the driver's own probe found nothing missing here, or said so in sentences."""
    assert world.capabilities.isolated
    assert all(sentence.endswith(".") for sentence in world.capabilities.degraded)
