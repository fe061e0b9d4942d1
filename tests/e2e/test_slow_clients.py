"""Hundreds of slow clients: each is ended, a good client beside them succeeds every time, health answers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.front_proxy import is_installed
from tests.support.good_client import GoodClient
from tests.support.observed import metrics, wait_until
from tests.support.plain_http import address_of, call
from tests.support.server import RunningServer

CONNECTIONS = 400
ATTACK_S = 60  # at most: each ends when it has shown what it should
READERS = 80
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ATTACKER = Path(__file__).parents[2] / "benchmarks" / "slow_attack.py"

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.slow,
    pytest.mark.xdist_group("slow_clients"),
    pytest.mark.skipif(sys.platform != "linux", reason="loopback addresses beside 127.0.0.1"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "large.bin").write_bytes(b"a" * 8_000_000)
    (folder / "code").mkdir()
    (folder / "code" / "app.py").write_text("def handler(event, context):\n    return 'no body ends here'\n")
    config = folder / "routes.yaml"
    config.write_text(
        "version: 1\n"
        "functions:\n"
        f"  never: {{code: code, handler: app.handler, runtime: {RUNTIME}}}\n"
        "routes:\n"
        "  GET /good: {public: true, respond: {body: ok}}\n"
        "  POST /body: {public: true, function: never}\n"
        "  GET /large: {public: true, respond: {file: large.bin}}\n"
    )
    with RunningServer(config, folder / "state") as running:
        yield running


def refused(server: RunningServer, reason: str) -> float:
    return metrics(server)[f'lockgate_edge_refused_total{{listener="gateway",reason="{reason}"}}']


def attack_until(server: RunningServer, command: list[str], reason: str, count: int) -> None:
    """Run the attack beside a good client until so many connections of it were ended for *reason*."""
    before = refused(server, reason)
    attack = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with GoodClient(server.gateway_address) as good:
            wait_until(
                lambda: refused(server, reason) >= before + count, f"{count} times {reason}", timeout_s=60
            )
            assert call(address_of(server.endpoints["admin"]), "/health").status == 200
        assert good.count >= 5
    finally:
        attack.terminate()
        attack.wait(20)


def attacker(
    server: RunningServer, kind: str, path: str, addresses: int, connections: int = CONNECTIONS
) -> list[str]:
    host, port = server.gateway_address
    numbers = (connections, addresses, ATTACK_S)
    return [sys.executable, str(ATTACKER), kind, host, str(port), path, *map(str, numbers)]


@pytest.mark.parametrize("addresses", [1, 64])
def test_slow_heads(server: RunningServer, addresses: int) -> None:
    """H4: every one of them is ended by the deadline of the head."""
    attack_until(server, attacker(server, "head", "/good", addresses), "header_timeout", CONNECTIONS)


def test_slow_readers(server: RunningServer) -> None:
    """H4: who asks for 8 MB and takes nothing of it is cut off when a write has stalled for 30 s."""
    attack_until(server, attacker(server, "read", "/large", 64, READERS), "write_stalled", READERS)


def test_slow_bodies(server: RunningServer) -> None:
    """H4: every one of them is ended, because a byte a second is too slow."""
    attack_until(server, attacker(server, "body", "/body", 64), "body_too_slow", CONNECTIONS)


@pytest.mark.skipif(not is_installed("slowhttptest"), reason="slowhttptest is not installed")
@pytest.mark.parametrize(
    ("options", "path", "reason"),
    [
        pytest.param(("-H", "-i", "1"), "/good", "header_timeout", id="slowloris"),
        pytest.param(("-B", "-i", "1", "-s", "100000"), "/body", "body_too_slow", id="slow-body"),
    ],
)
def test_slowhttptest(
    server: RunningServer, tmp_path: Path, options: tuple[str, ...], path: str, reason: str
) -> None:
    """H4: the tool that people test with."""
    command = ["slowhttptest", *options, "-c", str(CONNECTIONS), "-r", "400", "-l", str(ATTACK_S), "-v", "0",
               "-u", f"{server.gateway}{path}"]  # fmt: skip
    attack_until(server, command, reason, CONNECTIONS * 9 // 10)
