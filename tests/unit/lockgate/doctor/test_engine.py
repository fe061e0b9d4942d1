"""What follows from what an engine says of itself (C3, C11)."""

from typing import Any

import pytest

from lockgate.doctor.engine import engine_rows, no_engine
from lockgate.doctor.row import Row, Verdict

GOOD_VERSION = {
    "Version": "28.5.1",
    "Components": [
        {"Name": "Engine"},
        {"Name": "runc", "Version": "1.3.3", "Details": {"GitCommit": "v1.3.3-0-gd842d77"}},
    ],
}
GOOD_INFO = {
    "CgroupVersion": "2",
    "CgroupDriver": "systemd",
    "MemoryLimit": True,
    "PidsLimit": True,
    "CPUShares": True,
    "CpuCfsQuota": True,
    "SwapLimit": True,
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=userns", "name=cgroupns"],
    "Runtimes": {"runc": {}},
}


def rows(version: dict[str, Any] | None = None, info: dict[str, Any] | None = None) -> dict[str, Row]:
    found = engine_rows("unix:///s", GOOD_VERSION | (version or {}), GOOD_INFO | (info or {}))
    return {row.check: row for row in found}


def test_of_a_good_engine_nothing_is_said() -> None:
    found = rows()
    assert {row.verdict for row in found.values()} == {Verdict.OK}
    assert all(not row.follows and not row.do for row in found.values())
    assert found["runc"].found == "runc 1.3.3"


UNCONFINED = "name=seccomp,profile=unconfined"
SECCOMP, APPARMOR, USERNS = "name=seccomp,profile=builtin", "name=apparmor", "name=userns"


def options(*words: str) -> dict[str, Any]:
    return {"SecurityOptions": list(words)}


@pytest.mark.parametrize(
    ("version", "info", "check", "said"),
    [
        pytest.param({"Version": "26.1.5"}, {}, "engine", "before 27", id="C11-engine"),
        pytest.param({"Version": ""}, {}, "engine", "before 27", id="C11-engine-of-no-version"),
        pytest.param(
            {"Components": [{"Name": "runc", "Version": "1.1.5+ds1", "Details": {"GitCommit": "1.1.5+ds1-1+deb12u1"}}]},
            {},
            "runc",
            "CVE-2024-21626, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881",
            id="C11-runc",
        ),
        pytest.param({"Components": [{"Name": "runc", "Version": ""}]}, {}, "runc", "unknown", id="C11-runc-unknown"),
        pytest.param({}, {"CgroupVersion": "1"}, "cgroup", "version 1", id="C11-cgroup"),
        pytest.param({}, {"PidsLimit": False}, "limits", "not limited", id="C1-limits"),
        pytest.param({}, {"CgroupVersion": "1", "SwapLimit": False}, "swap", "swaps", id="C11-swap"),
        pytest.param({}, options(APPARMOR, SECCOMP), "user namespaces", "root of this machine", id="C3-userns"),
        pytest.param({}, options(USERNS, APPARMOR), "seccomp", "every system call", id="C11-seccomp"),
        pytest.param({}, options(UNCONFINED), "seccomp", "every system call", id="C11-unconfined"),
        pytest.param({}, options(SECCOMP, USERNS), "AppArmor, SELinux", "layer less", id="C1-apparmor"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_weak_with_what_follows_and_what_to_do(
    version: dict[str, Any], info: dict[str, Any], check: str, said: str
) -> None:
    """C1, C3, C11: its twin is the good engine, which differs in that one thing."""
    row = rows(version, info)[check]
    assert row.verdict is Verdict.WEAK
    assert said in row.follows
    assert row.do
    assert rows()[check].verdict is Verdict.OK


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["name=rootless", "name=seccomp,profile=builtin"], id="rootless"),
        pytest.param(["name=userns"], id="userns-remap"),
    ],
)
def test_user_namespaces_are_found(options: list[str]) -> None:
    """C3."""
    assert rows(info={"SecurityOptions": options})["user namespaces"].verdict is Verdict.OK


def test_gvisor_is_mentioned_where_it_is_installed() -> None:
    """C3: `sandbox: runsc` per function."""
    found = rows(info={"SecurityOptions": [], "Runtimes": {"runc": {}, "runsc": {}}})["user namespaces"]
    assert "runsc can be chosen" in found.found


def test_cgroup_version_2_accounts_swap_whatever_the_engine_says() -> None:
    assert rows(info={"SwapLimit": False})["swap"].verdict is Verdict.OK
    assert rows(info={"SwapLimit": False, "MemoryLimit": False})["swap"].verdict is Verdict.WEAK


def test_selinux_serves_as_well() -> None:
    assert rows(info={"SecurityOptions": ["name=selinux"]})["AppArmor, SELinux"].found == "SELinux"


def test_an_engine_without_runc_is_not_judged_by_its_numbers() -> None:
    assert rows({"Components": []}, {"DefaultRuntime": "crun"})["OCI runtime"].found.startswith("crun")


def test_no_engine_is_missing() -> None:
    assert no_engine("unix:///s", "nobody listens").verdict is Verdict.MISSING
