"""The report on isolation: which probes there are, and what the engine at hand cannot show.

``python -m tests.support.isolation_report`` prints it. The table of docs/containers.md is made from the same rows;
a test compares the two.
"""

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.client import EngineClient
from lockgate.doctor.engine import engine_rows
from lockgate.doctor.row import Verdict
from tests.support.engine import DEFAULT_ADDRESS
from tests.support.isolation_world import PRIVILEGED, lacking_capabilities

Probe = tuple[str, str, str]  # its name, where it succeeds, the requirement
_ELSEWHERE = {
    "default": "a container by default",
    "user": "a container of an ordinary user",
    "host-network": "a container on the machine's network",
    PRIVILEGED: "a container with all rights",
}


def table(probes: Sequence[Probe]) -> str:
    """Markdown, sorted by requirement."""
    lines = ["| tried, and refused | requirement | where the same code succeeds |", "|---|---|---|"]
    for name, where, why in sorted(probes, key=lambda each: (_number(each[2]), each[0])):
        lines.append(f"| {name.replace('-', ' ')} | {why} | {_ELSEWHERE[where]} |")
    return "\n".join(lines)


def _number(requirement: str) -> int:
    return int(requirement.partition(":")[0].partition(",")[0][1:])


def not_shown(address: str) -> Iterator[str]:
    """What the tests on this engine prove nothing about, in sentences."""
    version, info = asyncio.run(_ask(address))
    for row in engine_rows(address, version, info):
        if row.verdict is not Verdict.OK:
            yield f"{row.check}: {row.found}. {row.follows}"
    swaps = Path("/proc/swaps").read_text().splitlines()[1:]
    if not swaps:
        yield "swap: this machine has none, so that functions get none of it is set and not seen."
    for path in ("/proc/kcore", "/proc/sysrq-trigger"):
        if not Path(path).exists():
            yield f"{path}: this kernel has none; in a container it is masked or read-only."
    for name in lacking_capabilities():
        yield f"CAP_{name}: nobody has it on this machine; no container shows what it would do with it."


async def _ask(address: str) -> tuple[dict[str, object], dict[str, object]]:
    client = EngineClient(EngineAddress.parse(address))
    try:
        await client.open()
        return dict(await client.request("GET", "/version")), await client.info()
    finally:
        await client.close()


def main() -> None:
    from tests.e2e.docker.test_isolation import PROBES

    print(table(PROBES))
    print("\nNot shown on this engine:\n")
    for sentence in not_shown(os.environ.get("DOCKER_HOST") or DEFAULT_ADDRESS):
        print(f"- {sentence}")


if __name__ == "__main__":
    main()
