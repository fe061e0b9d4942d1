"""What the engine says of itself: pure judgements of its ``/version`` and ``/info`` (C3, C11)."""

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.doctor.row import Row, Verdict
from lockgate.doctor.versions import ENGINE_FLOOR, open_escapes, parse

Json = Mapping[str, Any]
GROUP = "engine"


def no_engine(address: str, problem: str) -> Row:
    return Row(
        group=GROUP,
        check="engine",
        verdict=Verdict.MISSING,
        found=f"none answers at {address}: {problem}",
        follows="`lockgate serve` waits for one for a minute, then ends; `lockgate dev` runs functions as processes.",
        do="Install Docker 27 or newer, start it, and let this user use its socket; DOCKER_HOST names another one.",
    )


def engine_rows(address: str, version: Json, info: Json) -> Iterator[Row]:
    """One row for each thing, in the order in which a person would ask."""
    options = _security_options(info)
    yield _engine(address, version)
    yield _runc(version, info)
    yield _cgroup(info)
    yield _limits(info)
    yield _swap(info)
    yield _users(options, info)
    yield _seccomp(options)
    yield _mandatory_access(options)


def _row(check: str, verdict: Verdict, found: str, follows: str = "", do: str = "") -> Row:
    return Row(group=GROUP, check=check, verdict=verdict, found=found, follows=follows, do=do)


def _engine(address: str, version: Json) -> Row:
    number = str(version.get("Version", ""))
    found = f"{number or 'of unknown version'} at {address}"
    parsed = parse(number)
    if parsed is not None and parsed >= ENGINE_FLOOR:  # C11
        return _row("engine", Verdict.OK, found)
    return _row(
        "engine",
        Verdict.WEAK,
        found,
        "Engines before 27 get no security fixes from Docker any more; a distribution may still mend its own.",
        "Update to Docker 27 or newer.",
    )


def _runc(version: Json, info: Json) -> Row:
    component = next((each for each in version.get("Components") or () if each.get("Name") == "runc"), None)
    if component is None:
        runtime = info.get("DefaultRuntime") or "unknown"
        return _row("OCI runtime", Verdict.OK, f"{runtime}, not runc: its own advisories count")
    number = str(component.get("Version") or "")
    package = str((component.get("Details") or {}).get("GitCommit") or "")
    found = f"runc {package if package.startswith(number) else number}"
    if parse(number) is None:
        return _row(
            "runc",
            Verdict.WEAK,
            found,
            "Its version is unknown, and so what it mends.",
            "Run `runc --version`.",
        )
    escapes = open_escapes(number)
    if not escapes:  # C11
        return _row("runc", Verdict.OK, found)
    return _row(
        "runc",
        Verdict.WEAK,
        found,
        f"By its number it has known ways out of a container: {', '.join(escapes)}.",
        "Update to runc 1.2.8, 1.3.3 or newer, or make sure that your distribution has mended them in this package.",
    )


def _cgroup(info: Json) -> Row:
    if str(info.get("CgroupVersion", "1")) == "2":
        return _row("cgroup", Verdict.OK, f"version 2, driver {info.get('CgroupDriver', 'unknown')}")
    return _row(
        "cgroup",
        Verdict.WEAK,
        f"version 1, driver {info.get('CgroupDriver', 'unknown')}",
        "It works; systemd has dropped version 1, and engines are about to.",
        "Boot with systemd.unified_cgroup_hierarchy=1; current distributions do.",
    )


_LIMITS = {
    "memory": "MemoryLimit",
    "processes": "PidsLimit",
    "CPU weight": "CPUShares",
    "CPU quota": "CpuCfsQuota",
}


def _limits(info: Json) -> Row:
    lacking = [name for name, key in _LIMITS.items() if not info.get(key)]
    if not lacking:
        return _row("limits", Verdict.OK, ", ".join(_LIMITS))
    return _row(
        "limits",
        Verdict.WEAK,
        f"none for {', '.join(lacking)}",
        "One function can take from all others what is not limited.",
        "Enable the kernel's cgroup controllers (rootless engines need them delegated).",
    )


def _swap(info: Json) -> Row:
    if info.get("SwapLimit"):
        return _row("swap", Verdict.OK, "limited: functions get none")
    if str(info.get("CgroupVersion")) == "2" and info.get("MemoryLimit"):
        return _row(
            "swap", Verdict.OK, "functions get none"
        )  # version 2 always accounts it; engines say so late
    return _row(
        "swap",
        Verdict.WEAK,
        "not limited",
        "A function over its memory swaps and slows the machine down instead of being ended.",
        "Boot with swapaccount=1, or switch swap off.",
    )


def _users(options: Mapping[str, str], info: Json) -> Row:
    runsc = " and runsc can be chosen per function" if "runsc" in (info.get("Runtimes") or {}) else ""
    for name, text in (("rootless", "rootless engine"), ("userns", "userns-remap")):
        if name in options:  # C3
            return _row("user namespaces", Verdict.OK, text + runsc)
    return _row(
        "user namespaces",
        Verdict.WEAK,
        f"none{', but' + runsc.removeprefix(' and') if runsc else ''}",
        "Functions never run as root, but who breaks out of a container as root is root of this machine.",
        "Set userns-remap for the engine, run it rootless, or use `sandbox: runsc` (gVisor) for code you do not trust.",
    )


def _seccomp(options: Mapping[str, str]) -> Row:
    profile = options.get("seccomp")
    if profile is not None and profile != "unconfined":
        return _row("seccomp", Verdict.OK, f"profile {profile or 'default'}")
    return _row(
        "seccomp",
        Verdict.WEAK,
        "no filter",
        "Functions may use every system call of the kernel, and with them every fault in one.",
        "Use a kernel with CONFIG_SECCOMP_FILTER and the engine's default profile.",
    )


def _mandatory_access(options: Mapping[str, str]) -> Row:
    for name, text in (("apparmor", "AppArmor"), ("selinux", "SELinux")):
        if name in options:
            return _row("AppArmor, SELinux", Verdict.OK, text)
    return _row(
        "AppArmor, SELinux",
        Verdict.WEAK,
        "none",
        "One layer less behind namespaces, capabilities and seccomp.",
        "Enable AppArmor or SELinux in the kernel; the engine then uses its profile by itself.",
    )


def _security_options(info: Json) -> dict[str, str]:
    """``name=seccomp,profile=builtin`` as {"seccomp": "builtin"}; others have no profile."""
    found = {}
    for option in info.get("SecurityOptions") or ():
        words = dict(word.partition("=")[::2] for word in str(option).split(","))
        found[words.get("name", "")] = words.get("profile", "")
    return found
