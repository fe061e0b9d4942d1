"""What every container is: each right that is taken away and each limit, and what changes with what is asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from executor.drivers.docker.profile import (
    Attachment,
    Bind,
    ContainerSpec,
    container_config,
    cpu_quota_us,
)
from executor.revision import FunctionConfig

SPEC = ContainerSpec(
    image="sha256:1",
    entrypoint=("/bin/sh", "-c", "exec"),
    command=(),
    cwd="/var/task",
    variables={"A": "1"},
    labels={"lockgate.instance": "x"},
    uid=200_007,
    gid=200_007,
    memory_mb=256,
    tmpfs_mb=None,
    binds=(Bind(source=Path("/p"), target="/var/task"),),
    attachment=Attachment(),
)


def host(spec: ContainerSpec = SPEC) -> dict[str, Any]:
    found = container_config(spec)["HostConfig"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SecurityOpt", ["no-new-privileges:true"], id="no-new-privileges"),
        pytest.param("CapDrop", ["ALL"], id="capabilities"),
        pytest.param("Privileged", False, id="privileged"),
        pytest.param("ReadonlyRootfs", True, id="read-only"),
        pytest.param("PidsLimit", 1024, id="processes"),
        pytest.param("Memory", 256 << 20, id="memory"),
        pytest.param("MemorySwap", 256 << 20, id="no-swap"),
        pytest.param("IpcMode", "private", id="ipc"),
        pytest.param("Init", True, id="init"),
        pytest.param("Devices", [], id="devices"),
        pytest.param("LogConfig", {"Type": "none", "Config": {}}, id="no-log-files"),
        pytest.param("PublishAllPorts", False, id="no-ports"),
        pytest.param("NetworkMode", "none", id="no-network"),
        pytest.param("RestartPolicy", {"Name": "no"}, id="no-restart"),
    ],
)
def test_every_container_is_closed(name: str, value: object) -> None:
    """C1, C4: what a container may not, whatever it is made for. (That it holds is shown inside of real ones.)"""
    assert host()[name] == value


def test_files_and_shared_memory_are_bounded() -> None:
    """C1"""
    limits = {each["Name"]: (each["Soft"], each["Hard"]) for each in host()["Ulimits"]}
    assert limits == {"nofile": (1024, 1024), "core": (0, 0)}
    assert host()["ShmSize"] == 65536


def test_user_is_a_number_and_never_root() -> None:
    """C1"""
    assert container_config(SPEC)["User"] == "200007:200007"
    with pytest.raises(ValueError, match="never run as root"):
        container_config(replace(SPEC, uid=0))


def test_default_seccomp_and_apparmor_are_not_switched_off() -> None:
    """C1: naming one of them would replace the engine's own."""
    assert not any(option.startswith(("seccomp", "apparmor")) for option in host()["SecurityOpt"])


def test_files_of_the_kernel_that_speak_of_the_machine_are_hidden() -> None:
    """C1: a list of ours replaces the engine's, so it must have what matters."""
    assert {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"} <= set(host()["MaskedPaths"])
    assert {"/proc/sys", "/proc/sysrq-trigger"} <= set(host()["ReadonlyPaths"])


def test_nothing_of_the_host_is_mounted_but_what_is_named() -> None:
    """C1, C2: no engine's socket, no host folder beside the listed ones, and those read-only."""
    (mount,) = host()["Mounts"]
    assert mount == {
        "Type": "bind",
        "Source": "/p",
        "Target": "/var/task",
        "ReadOnly": True,
        "BindOptions": {"Propagation": "rprivate"},
    }
    assert "Binds" not in host()
    bind = Bind(source=Path("/v"), target="/mnt/v", writable=True, follows=True)
    (mount,) = host(replace(SPEC, binds=(bind,)))["Mounts"]
    assert (mount["ReadOnly"], mount["BindOptions"]) == (False, {"Propagation": "rslave"})


def test_tmpfs_counts_as_memory() -> None:
    """C1: with a disk for /tmp the limit is the function's memory; without, what it may write comes on top."""
    assert "Tmpfs" not in host()
    found = host(replace(SPEC, tmpfs_mb=64))
    assert found["Tmpfs"] == {"/tmp": "rw,exec,nosuid,nodev,size=64m,mode=1777"}
    assert (found["Memory"], found["MemorySwap"]) == (320 << 20, 320 << 20)


def test_environment_is_what_was_declared() -> None:
    """C9"""
    assert container_config(SPEC)["Env"] == ["A=1"]


def test_processor_time_is_in_proportion_to_memory() -> None:
    """C1"""
    assert host(replace(SPEC, memory_mb=1769))["CpuShares"] == 1024
    assert host()["CpuShares"] == 148
    assert "NanoCpus" not in host()
    assert "CpuQuota" not in host()  # not before the function is ready
    assert cpu_quota_us(1769) == 100_000
    assert cpu_quota_us(128) == 7235


def test_other_runtime_only_when_asked_for() -> None:
    """C3"""
    assert "Runtime" not in host()
    assert host(replace(SPEC, sandbox="runsc"))["Runtime"] == "runsc"


def test_words_of_the_image_stay_where_none_are_given() -> None:
    config = container_config(replace(SPEC, entrypoint=None, command=None, cwd=None))
    assert {"Entrypoint", "Cmd", "WorkingDir"}.isdisjoint(config)


def test_networks_are_the_plans() -> None:
    """C4"""
    attachment = Attachment(
        mode="n",
        endpoints={"n": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}}},
        hosts=("a:10.0.0.1",),
        dns=("127.0.0.1",),
    )
    config = container_config(replace(SPEC, attachment=attachment))
    assert config["NetworkingConfig"] == {
        "EndpointsConfig": {"n": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}}}
    }
    assert config["HostConfig"]["NetworkMode"] == "n"
    assert config["HostConfig"]["ExtraHosts"] == ["a:10.0.0.1"]
    assert config["HostConfig"]["Dns"] == ["127.0.0.1"]


def test_no_repr_shows_a_functions_variables() -> None:
    """C9: a traceback or a log may hold the repr of what a start was asked for."""
    secret = "0f8fad5b-secret"
    assert secret not in repr(replace(SPEC, variables={"KEY": secret}))
    assert secret not in repr(
        FunctionConfig(name="f", runtime="python3.13", handler="a.b", environment={"KEY": secret})
    )
