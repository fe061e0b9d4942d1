"""The server over TLS: clients that are not ours, changes of the certificate, certificates that are no good."""

import signal
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.support.front_proxy import is_installed
from tests.support.observed import events, metrics, wait_until
from tests.support.plain_http import Address, address_of, call
from tests.support.server import RunningServer, lockgate
from tests.support.tls_pair import TlsPair, make_pair

pytestmark = pytest.mark.timeout(60)

ROUTES = "version: 1\nroutes:\n  GET /:\n    public: true\n    respond: {body: ok}\n"


@pytest.fixture
def pair(tmp_path: Path) -> TlsPair:
    return make_pair(tmp_path / "tls")


@pytest.fixture
def server(tmp_path: Path, pair: TlsPair) -> Iterator[RunningServer]:
    config = tmp_path / "routes.yaml"
    config.write_text(ROUTES)
    files = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with RunningServer(config, tmp_path / "state", extra=files) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, TlsPair]]:
    """For tests that change nothing."""
    folder = tmp_path_factory.mktemp("tls")
    pair = make_pair(folder / "tls")
    config = folder / "routes.yaml"
    config.write_text(ROUTES)
    files = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with RunningServer(config, folder / "state", extra=files) as running:
        yield running, pair


def tls_address(server: RunningServer) -> Address:
    assert server.gateway.startswith("https://")
    host, _, port = server.gateway.removeprefix("https://").rpartition(":")
    return host, int(port)


def connect(server: RunningServer, pair: TlsPair) -> HTTPSConnection:
    connection = HTTPSConnection(*tls_address(server), context=pair.trusting(), timeout=15)
    connection.connect()
    return connection


def get(connection: HTTPSConnection) -> tuple[int, bytes]:
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.status, answer.read()


def certificate_of(server: RunningServer) -> str:
    return ssl.get_server_certificate(tls_address(server))


def openssl(server: RunningServer, *options: str) -> str:
    done = subprocess.run(
        ["openssl", "s_client", "-connect", "{}:{}".format(*tls_address(server)), *options],
        input=b"", capture_output=True, timeout=20,
    )  # fmt: skip
    return (done.stdout + done.stderr).decode(errors="replace")


def test_request_over_tls(shared: tuple[RunningServer, TlsPair]) -> None:
    connection = connect(*shared)
    assert get(connection) == (200, b"ok")
    assert get(connection) == (200, b"ok")
    connection.close()


def test_plain_http_is_told_so(shared: tuple[RunningServer, TlsPair]) -> None:
    reply = call(tls_address(shared[0]), "/")
    assert (reply.status, reply.json()) == (400, {"message": "This port speaks TLS: use https."})


@pytest.mark.skipif(not is_installed("openssl"), reason="openssl is not installed")
@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        pytest.param(("-tls1_3",), True, id="1.3"),
        pytest.param(("-tls1_2",), True, id="1.2"),
        pytest.param(("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), False, id="1.1"),
        pytest.param(("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"), False, id="cbc"),
        pytest.param(("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), True, id="gcm"),
    ],
)
def test_versions_and_ciphers(
    shared: tuple[RunningServer, TlsPair], options: tuple[str, ...], accepted: bool
) -> None:
    """H19"""
    said = openssl(shared[0], *options, "-alpn", "h2,http/1.1")
    assert ("ALPN protocol: http/1.1" in said) is accepted, said
    assert ("Cipher is (NONE)" in said) is not accepted, said
    if accepted:
        assert "Compression: NONE" in said


def test_failed_handshakes_are_counted_and_leave_no_traceback(shared: tuple[RunningServer, TlsPair]) -> None:
    server, pair = shared
    series = 'lockgate_edge_refused_total{listener="gateway",reason="tls_handshake"}'
    before = metrics(server)[series]
    stranger = make_pair(pair.cert.parent / "other")
    for _ in range(5):
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(server, stranger)
    wait_until(lambda: metrics(server)[series] >= before + 5, "five counted handshakes")
    assert "Traceback" not in server.stderr()


@pytest.mark.parametrize("how", ["signal", "command"])
def test_reload_changes_the_certificate_and_drops_nobody(
    server: RunningServer, pair: TlsPair, tmp_path: Path, how: str
) -> None:
    """H19, R3: a client on a kept connection, and clients that connect all the time, notice nothing."""
    new = make_pair(tmp_path / "new")
    both = pair.trusting()
    both.load_verify_locations(new.cert)
    kept = connect(server, pair)
    assert get(kept) == (200, b"ok")
    stop, failures, served = threading.Event(), list[str](), list[int]()

    def client() -> None:
        while not stop.is_set():
            connection = HTTPSConnection(*tls_address(server), context=both, timeout=15)
            try:
                served.append(get(connection)[0])
            except OSError as error:
                failures.append(repr(error))
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    before = certificate_of(server)
    pair.replace_by(new)
    if how == "signal":
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
    else:
        done = lockgate("reload", "--state", server.state)
        assert (done.returncode, done.stdout.partition(b" (")[0]) == (0, b"certificate changed")
    wait_until(lambda: certificate_of(server) != before, "the new certificate")
    count = len(served)
    wait_until(lambda: len(served) > count + 20, "requests after the change")
    stop.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert set(served) == {200}
    assert get(kept) == (200, b"ok")
    kept.close()
    connection = connect(server, new)
    assert get(connection) == (200, b"ok")
    connection.close()


def test_bad_pair_refuses_the_reload(server: RunningServer, pair: TlsPair, tmp_path: Path) -> None:
    """P3: the old one serves, and the command says why."""
    before = certificate_of(server)
    pair.key.write_bytes(make_pair(tmp_path / "new").key.read_bytes())
    done = lockgate("reload", "--state", server.state)
    assert done.returncode == 3
    assert b"does not belong to the first certificate" in done.stderr
    assert certificate_of(server) == before


def test_bad_pair_ends_the_start(tmp_path: Path, pair: TlsPair) -> None:
    config = tmp_path / "routes.yaml"
    config.write_text(ROUTES)
    other = make_pair(tmp_path / "new")
    done = lockgate(
        "serve", "--driver", "process", "-c", config, "--state", tmp_path / "state", "--gateway", "127.0.0.1:0",
        "--control", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--tls-cert", pair.cert, "--tls-key", other.key,
    )  # fmt: skip
    assert done.returncode == 5
    assert b"does not belong to the first certificate" in done.stderr


def test_expired_certificate_is_served_with_a_warning(tmp_path: Path) -> None:
    pair = make_pair(tmp_path / "tls", age_days=400)
    config = tmp_path / "routes.yaml"
    config.write_text(ROUTES)
    files = ("--tls-cert", str(pair.cert), "--tls-key", str(pair.key))
    with RunningServer(config, tmp_path / "state", extra=files) as server:
        assert certificate_of(server) == pair.cert.read_text()
        wait_until(lambda: "expired" in str(events(server, "warning")), "the warning")


def test_dev_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "routes.yaml"
    config.write_text(ROUTES)
    with RunningServer(config, tmp_path / "state", extra=("--tls",), command="dev") as server:
        folder = tmp_path / "state" / "tls"
        connection = connect(server, TlsPair(folder / "cert.pem", folder / "key.pem"))
        assert get(connection) == (200, b"ok")
        connection.close()
        assert call(address_of(server.endpoints["admin"]), "/health").status == 200
