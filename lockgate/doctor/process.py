"""What holds without an engine: the process driver, asked what it can do by letting it try."""

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from executor.driver import Capabilities, DriverSink, ExitReport, StartError
from executor.drivers.process.driver import ProcessDriver
from kit.names import Names
from lockgate.doctor.row import Row, Verdict

GROUP = "without an engine"


class _Deaf(DriverSink):
    """The driver's trial environments have no owner."""

    def exited(self, environment: int, report: ExitReport) -> None: ...

    def printed(self, environment: int, chunk: bytes) -> None: ...


def process_rows(uid_base: int) -> list[Row]:
    """:param uid_base: as the server's."""
    try:
        capabilities = asyncio.run(_ask(uid_base))
    except StartError as problem:
        return [
            _row("process driver", Verdict.WEAK, str(problem), "`lockgate dev` cannot run functions here.")
        ]
    return list(judge(capabilities))


async def _ask(uid_base: int) -> Capabilities:
    with tempfile.TemporaryDirectory(prefix="lockgate-doctor-") as folder:
        driver = ProcessDriver(
            names=Names(instance=secrets.token_hex(4)),  # of no server: nothing of one is removed
            packages=Path,
            runtime_folder=lambda _: None,
            state=Path(folder) / "state",
            uid_base=uid_base,
        )
        try:
            return await driver.open(_Deaf())
        finally:
            await driver.close()


def judge(capabilities: Capabilities) -> Iterator[Row]:
    languages = [name for name in capabilities.runtimes if not name.startswith("provided")]
    yield _row(
        "interpreters",
        Verdict.OK if languages else Verdict.WEAK,
        ", ".join(languages) or "none",
        "" if languages else "`lockgate dev` runs only executables (`provided`).",
        "" if languages else "Install Python 3.9 or newer, or Node.js 18 or newer.",
    )
    yield _row(
        "namespaces",
        Verdict.OK if capabilities.private_tmp else Verdict.WEAK,
        "each function has its own /tmp and process numbers" if capabilities.private_tmp else "none",
        "" if capabilities.private_tmp else "Functions see each other's files and processes.",
        "" if capabilities.private_tmp else "Run as root, or allow user namespaces.",
    )
    by_cgroup = capabilities.memory_limit == "cgroup"
    yield _row(
        "memory limit",
        Verdict.OK if by_cgroup else Verdict.WEAK,
        "by cgroup" if by_cgroup else "by RLIMIT_DATA",
        "" if by_cgroup else "It holds for each process of a function, not for all of them together.",
        "" if by_cgroup else "Run as root, or have a cgroup delegated to this user.",
    )
    yield _row(
        "own user",
        Verdict.OK if capabilities.own_uid else Verdict.WEAK,
        "each function has a user id of its own" if capabilities.own_uid else "the server's",
        "" if capabilities.own_uid else "Functions run as the user who runs the server.",
        "" if capabilities.own_uid else "Run as root, or use containers.",
    )


def _row(check: str, verdict: Verdict, found: str, follows: str = "", do: str = "") -> Row:
    return Row(group=GROUP, check=check, verdict=verdict, found=found, follows=follows, do=do)
