"""Gateway processes beside one executor, with figures: `python -m benchmarks.workers`.

One process, then 1, 2 and 4 edges: requests a second and latency of a warm Python function and of a `respond:` route,
at 50 connections and at one, and what each process weighs at rest. Every answer is looked at.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.load import Run, Target, run
from benchmarks.lockgate_server import BODY, write_handler
from benchmarks.machine import facts
from tests.support.processes import memory_mb, parts
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

SECONDS = 8.0
WARM_S = 2.0
WORKERS = (0, 1, 2, 4)  # 0: everything in one process


def measure(folder: Path, workers: int, seconds: float) -> None:
    extra = ("--workers", str(workers)) if workers else ()
    config = write_routes(
        folder,
        functions={"hello": {"code": "code", "handler": "app.handler", "memory": 256}},
        routes={
            "GET /hello": {"public": True, "function": "hello"},
            "GET /fixed": {
                "public": True,
                "respond": {"body": BODY.decode(), "headers": {"content-type": "application/json"}},
            },
        },
        server={"limits": {"environments": 4}},
    )
    with RunningServer(config, folder / f"state-{workers}", extra=extra) as server:
        print(f"\n{f'{workers} edges, 1 executor' if workers else 'one process'}")
        print(f"  memory MB at rest: {weights(server)}")
        for path in ("/hello", "/fixed"):
            target = Target(url=f"{server.gateway}{path}", body=BODY)
            run(target, connections=50, seconds=WARM_S)
            for connections in (50, 1):
                seen = run(target, connections=connections, seconds=seconds)
                print(f"  {path:7} {connections:3} connections: {text(seen)}")
        print(f"  memory MB after the load: {weights(server)}")


def weights(server: RunningServer) -> str:
    assert server.process is not None
    found = {"supervisor": server.process.pid, **parts(server)}
    if len(found) == 1:
        found = {"all": server.process.pid}
    return ", ".join(f"{name} {memory_mb(pid):.1f}" for name, pid in found.items())


def text(seen: Run) -> str:
    return f"{seen.rate:7,.0f} requests/s, p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    seconds = parser.parse_args().seconds
    for name, fact in facts().items():
        print(f"{name}: {fact}")
    for workers in WORKERS:
        with tempfile.TemporaryDirectory(prefix="lockgate-workers-") as made:
            folder = Path(made)
            folder.chmod(0o755)
            write_handler(folder / "code")
            measure(folder, workers, seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
