"""Which functions may take a container that waits, and into what process."""

from typing import Any

import pytest

from executor.driver import ChannelKind, StartMode
from executor.drivers.docker.modes import channel_kind, shape_of, start_mode
from executor.revision import FunctionConfig, NetworkConfig, Revision


def config(**changes: Any) -> FunctionConfig:
    return FunctionConfig(name="f", handler="a.b", **({"runtime": "python3.12"} | changes))


@pytest.mark.parametrize("name", [
    "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHASHSEED", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS",
    "JAVA_TOOL_OPTIONS", "MALLOC_ARENA_MAX", "OPENSSL_CONF", "SSL_CERT_FILE", "TZ", "LANG", "LC_ALL",
    "AWS_LAMBDA_EXEC_WRAPPER",
])  # fmt: skip
def test_what_acts_at_process_start_needs_a_fresh_process(name: str) -> None:
    assert start_mode(config(environment={name: "1"})) is StartMode.EXEC


@pytest.mark.parametrize("name", ["TABLE", "LANGUAGE_MODEL", "MY_LD_PATH", "TZDATA", "NODE_ENV"])
def test_other_variables_leave_it_warm(name: str) -> None:
    assert start_mode(config(environment={name: "1"})) is StartMode.WARM


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"runtime": "image"}, id="image"),
        pytest.param({"runtime": "provided.al2023"}, id="provided"),
        pytest.param({"runtime": "java17"}, id="java"),
        pytest.param({"volumes": {"DATA": "/srv"}}, id="volumes"),
        pytest.param({"sandbox": "runsc"}, id="sandbox"),
        pytest.param({"runtime": "cobol"}, id="unknown"),
    ],
)
def test_other_shapes_start_directly(changes: dict[str, Any]) -> None:
    assert start_mode(config(**changes)) is StartMode.DIRECT


@pytest.mark.parametrize(
    ("runtime", "kind"),
    [
        ("python3.12", ChannelKind.SOCKET),
        ("nodejs22.x", ChannelKind.SOCKET),
        ("provided", ChannelKind.HOST),
        ("java21", ChannelKind.HOST),
        ("image", ChannelKind.HOST),
    ],
)
def test_channels(runtime: str, kind: ChannelKind) -> None:
    assert channel_kind(config(runtime=runtime)) is kind


def test_shape_holds_what_cannot_change_later() -> None:
    network = NetworkConfig(egress="none", join=("db",))
    revision = Revision.of(config(runtime="nodejs22.x", memory_mb=512, network=network), "p", "sha256:1")
    shape = shape_of(revision, arch="arm64")
    assert (shape.image, shape.arch, shape.networks, shape.egress) == ("sha256:1", "arm64", ("db",), "none")
    assert shape.memory_class_mb == 512  # Node.js sizes its heap when it starts
    assert shape_of(Revision.of(config(memory_mb=512), "p"), arch="arm64").memory_class_mb is None


def test_functions_of_one_shape_share_slots() -> None:
    one = Revision.of(config(memory_mb=128, environment={"A": "1"}), "p", "i")
    other = Revision.of(config(memory_mb=1024, timeout_s=3.0), "q", "i")
    assert shape_of(one, arch="x86_64") == shape_of(other, arch="x86_64")
    third = Revision.of(config(storage_mb=1024), "q", "i")
    assert shape_of(one, arch="x86_64") != shape_of(third, arch="x86_64")
