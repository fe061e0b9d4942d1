"""Cold start: the first call of a function whose environment does not exist yet.

Each function is called once, one after another, on a connection that is already open. boto3 is judged
against its import in a fresh interpreter of the same kind, from the same folder.
"""

import http.client
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.lockgate_server import BODY, HANDLER, RUNTIME, LockgateServer, lockgate
from benchmarks.peers import emulator, serverless_offline
from benchmarks.program import get
from benchmarks.rows.context import Context
from benchmarks.spread import Spread, percentile
from benchmarks.table import Table

STDLIB = "import datetime, json, logging, os, re, urllib.parse, uuid\n" + HANDLER
BOTO3 = "import boto3\n" + HANDLER
_PAUSE_S = 0.1  # calls of a quiet server: the zygote may prepare the next environment
_IMPORT = """
import sys, time
sys.path.append(sys.argv[1])
began = time.perf_counter()
import boto3
print(time.perf_counter() - began)
"""


def measure(context: Context) -> Table:
    starts = 10 * context.rounds
    first_ms = {"Lockgate, standard library": own(context, "stdlib", STDLIB, starts)}
    rows_note = []
    boto3_ms, import_ms = with_boto3(context, 2 * context.rounds)
    if boto3_ms:
        first_ms["Lockgate, `import boto3`"] = boto3_ms
        first_ms["`import boto3` in a fresh interpreter"] = import_ms
        over = Spread.of(boto3_ms).median - Spread.of(import_ms).median
        rows_note.append(f"boto3: {over:+.1f} ms against its import alone (budget: + 5 ms).")
    if context.peers and emulator.is_installed():
        first_ms["AWS RIE, standard library"] = rie(context, 2 * context.rounds)
    if context.peers and serverless_offline.is_installed():
        first_ms["serverless-offline, standard library"] = serverless(context, 2 * context.rounds)
    return Table(
        title="Cold start: first call of a function, milliseconds",
        columns=("", "median (lowest to highest)", "p90", "starts"),
        rows=[
            (name, Spread.of(ms).text(1), f"{percentile(ms, 0.9):.1f}", str(len(ms)))
            for name, ms in first_ms.items()
        ],
        notes=[
            "Budget: p50 ≤ 8 ms on the standard library. Client's view through the gateway; package built at load. "
            "RIE starts its runtime at the first call, serverless-offline an interpreter for each.",
            *rows_note,
        ],
    )


def own(context: Context, name: str, source: str, count: int, state_of: str | None = None) -> list[float]:
    """First calls of *count* functions of one package."""
    with zipfile.ZipFile(context.folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("app.py", source)
    functions = [f"f{number}" for number in range(count)]
    routes = {
        "version": 1,
        "server": {"limits": {"environments": 500, "memory": 500 * 256}},
        "functions": {
            function: {"code": f"{name}.zip", "handler": "app.handler", "runtime": RUNTIME}
            for function in functions
        },
        "routes": {f"GET /{function}": {"function": function, "public": True} for function in functions}
        | {"GET /open": {"public": True, "respond": {"status": 200, "body": "open"}}},
    }
    with LockgateServer(context.folder, json.dumps(routes), name=state_of or name) as server:
        return first_calls(
            server.endpoints["gateway"], [f"/{function}" for function in functions], opener="/open"
        )


def first_calls(
    address: str, paths: list[str], *, opener: str | None, pause_s: float = _PAUSE_S
) -> list[float]:
    """Milliseconds from sending a request to its whole answer. :raises AssertionError: a wrong answer."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    taken = []
    for path in paths:
        if opener is not None:  # the connection exists, whatever the server closed
            connection.request("GET", opener)
            connection.getresponse().read()
        time.sleep(pause_s)
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        assert (answer.status, body) == (200, BODY), (path, answer.status, body[:200])
    connection.close()
    return taken


def with_boto3(context: Context, count: int) -> tuple[list[float], list[float]]:
    """First calls, and imports alone; nothing where boto3 cannot be installed."""
    state = context.folder / "boto3-state"
    listed = json.loads(lockgate("runtimes", "install", "--json", "--state", str(state)))
    runtime = next((row for row in listed if row["runtime"] == RUNTIME and row["boto3"]), None)
    if runtime is None:
        return [], []
    folder = _boto3_folder(state)
    alone = []
    for _ in range(count + 1):
        done = subprocess.run(
            [runtime["interpreter"], "-I", "-S", "-c", _IMPORT, str(folder)], capture_output=True, check=True
        )
        alone.append(float(done.stdout) * 1000)
    # The first import reads the files from the disk.
    return own(context, "boto3", BOTO3, count), alone[1:]


def _boto3_folder(state: Path) -> Path:
    tag = sys.implementation.cache_tag
    for found in sorted((state / "runtimes").rglob("boto3/__init__.py")):
        if list((found.parent / "__pycache__").glob(f"__init__.{tag}*.pyc")):
            return found.parent.parent
    raise FileNotFoundError(f"no boto3 compiled for {tag} in {state}")


def rie(context: Context, count: int) -> list[float]:
    taken = []
    for number in range(count):
        with emulator.Emulator(context.folder, name=f"emulator-{number}", handler=STDLIB) as peer:
            began = time.perf_counter()
            status, body = get(peer.target.url, method="POST", body=peer.target.request)
            taken.append((time.perf_counter() - began) * 1000)
            assert (status, body) == (200, emulator.ANSWER), (status, body)
    return taken


def serverless(context: Context, count: int) -> list[float]:
    with serverless_offline.ServerlessOffline(context.folder, functions=count, handler=STDLIB) as peer:
        return first_calls(peer.address, [f"/py{number}" for number in range(count)], opener=None)
