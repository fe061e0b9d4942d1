"""What a good client notices of thousands of slow ones: slow heads, slow bodies, answers that nobody reads.

    python benchmarks/slow_clients.py [connections, default 4000] [seconds a row, default 20]

The good client has an address of its own and calls a Python function, one call after the other, every tenth on a
new connection. `slowhttptest` attacks from one address, so that the cap of a peer bites; `slow_attack.py` from 64, so
that it does not. Loopback only.
"""

import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import machine
from benchmarks.lockgate_server import RUNTIME, LockgateServer, write_handler
from benchmarks.program import get
from benchmarks.slow_attack import allow_connections

GOOD = ("127.0.0.2", 0)
ADDRESSES = 64
PAUSE_S = 0.002
LARGE_BYTES = 5_000_000
SETTLE_S = 3.0  # until the attackers' connections are there
ROUTES = """
version: 1
functions:
  good: {{code: {folder}, handler: app.handler, runtime: {runtime}}}
routes:
  GET /good: {{public: true, function: good}}
  POST /good: {{public: true, function: good}}
  GET /large: {{public: true, respond: {{file: {folder}/large.bin}}}}
"""


@dataclass
class Seen:
    """Of the good client. Times in milliseconds."""

    times: list[float] = field(default_factory=list)
    failures: int = 0
    health: list[float] = field(default_factory=list)
    connections: int = 0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def watch(server: LockgateServer, seconds: float) -> Seen:
    seen = Seen()
    parts = urlsplit(server.url("/good"))
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, source_address=GOOD, timeout=10)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        started = time.perf_counter()
        try:
            connection.request("GET", "/good")
            answer = connection.getresponse()
            answer.read()
            seen.failures += answer.status != 200
        except (OSError, http.client.HTTPException):
            seen.failures += 1
            connection.close()
        seen.times.append((time.perf_counter() - started) * 1000)
        count += 1
        if count % 10 == 0:
            connection.close()
        if count % 200 == 0:
            seen.connections = max(seen.connections, gateway_connections(server, seen))
        time.sleep(PAUSE_S)
    connection.close()
    return seen


def gateway_connections(server: LockgateServer, seen: Seen) -> int:
    started = time.perf_counter()
    assert get(f"{server.endpoints['admin']}/health")[0] == 200
    seen.health.append((time.perf_counter() - started) * 1000)
    text = get(f"{server.endpoints['admin']}/metrics")[1].decode()
    return int(float(text.partition('lockgate_edge_connections{listener="gateway"} ')[2].partition("\n")[0]))


def attacks(server: LockgateServer, connections: int, seconds: float) -> dict[str, list[str]]:
    """Name → command."""
    parts = urlsplit(server.url("/"))
    whole = str(round(seconds + SETTLE_S + 5))
    common = ["-c", str(connections), "-r", "2000", "-i", "2", "-l", whole]
    found = {}
    if shutil.which("slowhttptest"):
        for flag, name, more in (
            ("-H", "slow heads", ["-u", server.url("/good")]),
            ("-B", "slow bodies", ["-u", server.url("/good"), "-s", "100000"]),
            (
                "-X",
                "slow readers",
                ["-u", server.url("/large"), "-w", "512", "-y", "1024", "-n", "5", "-z", "32"],
            ),
        ):
            found[f"{name}, 1 address (slowhttptest {flag})"] = ["slowhttptest", flag, *common, *more]
    for kind, path, name in (
        ("head", "/good", "slow heads"),
        ("body", "/good", "slow bodies"),
        ("read", "/large", "slow readers"),
    ):
        found[f"{name}, {ADDRESSES} addresses"] = [
            sys.executable, str(Path(__file__).with_name("slow_attack.py")), kind,
            str(parts.hostname), str(parts.port), path, str(connections), str(ADDRESSES), whole,
        ]  # fmt: skip
    return found


def row(name: str, seen: Seen, alone: Seen) -> str:
    ratio = seen.percentile(0.99) / alone.percentile(0.99)
    return (
        f"| {name} | {seen.connections} | {len(seen.times)} | {seen.failures} | {seen.percentile(0.5):.2f} "
        f"| {seen.percentile(0.99):.2f} | {ratio:.2f} | {max(seen.health, default=0.0):.1f} |"
    )


def main() -> None:
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    allow_connections(2 * connections)
    print(json.dumps(machine.facts(), indent=1))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_handler(folder / "app")
        (folder / "app" / "large.bin").write_bytes(b"a" * LARGE_BYTES)
        with LockgateServer(folder, ROUTES.format(folder=folder / "app", runtime=RUNTIME)) as server:
            watch(server, 2)
            alone = watch(server, seconds)
            print(
                f"\n{connections} slow connections\n\n"
                "| attack | open | good calls | failed | p50 ms | p99 ms | p99 / alone | slowest health ms |\n"
                "|---|---|---|---|---|---|---|---|\n" + row("none", alone, alone),
                flush=True,
            )
            for name, command in attacks(server, connections, seconds).items():
                attack = subprocess.Popen(
                    command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                try:
                    watch(server, SETTLE_S)
                    print(row(name, watch(server, seconds), alone), flush=True)
                finally:
                    attack.terminate()
                    attack.wait(20)
                watch(server, SETTLE_S)


if __name__ == "__main__":
    main()
