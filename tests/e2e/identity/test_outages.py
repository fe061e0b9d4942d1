"""The database of a running server stopped, killed, full: what needs no database goes on, the rest says so at once.

``LOCKGATE_OUTAGE_S=20`` makes each outage of PostgreSQL as long.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from executor.drivers.docker import kernel
from tests.support.identity_site import Visitor, add_person, site
from tests.support.observed import events, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.postgres import PostgresServer
from tests.support.server import RunningServer

OUTAGE_S = float(os.environ.get("LOCKGATE_OUTAGE_S", "3"))
RECOVERY_S = 10.0  # R4
GIVEN_UP_S = 2.0  # one is allowed; the rest is for a loaded machine. Without a deadline it never ends.
DISK_MB = 8

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 2 * int(OUTAGE_S))]


class Caller:
    """Somebody who calls a protected route all the time, on a thread. :ivar seen: status → how often."""

    def __init__(self, server: RunningServer, token: str) -> None:
        self.seen: dict[int, int] = {}
        self._server = server
        self._headers = {"authorization": f"Bearer {token}"}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caller")

    def _run(self) -> None:
        while not self._stopping.is_set():
            status = call(self._server.gateway_address, "/mine", headers=self._headers).status
            self.seen[status] = self.seen.get(status, 0) + 1

    @contextmanager
    def calling(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join()


def health(server: RunningServer) -> Reply:
    return call(address_of(server.endpoints["admin"]), "/health")


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_database_that_is_gone_is_missed_by_those_who_need_it(
    fragile_postgres: PostgresServer, tmp_path: Path, how: str
) -> None:
    """R4: who has a token notices nothing; who logs in is told within a second to come again, and can within ten
    seconds of its return. Nothing of ours is started anew.
    """
    ends: tuple[Callable[[], None], Callable[[], None]] = (
        (fragile_postgres.pause, fragile_postgres.resume)
        if how == "stopped"
        else (fragile_postgres.kill, fragile_postgres.start)
    )
    with (
        site(tmp_path, database=fragile_postgres.new_database()) as place,
        place.server() as server,
        Visitor(server) as visitor,
    ):
        store = place.store(server)
        add_person(store, server, "ann@example.com")
        store.close()
        tokens = visitor.tokens(visitor.log_in("ann@example.com"))
        caller = Caller(server, tokens["access_token"])
        csrf, _ = visitor.page("/login")
        password = {"_csrf": csrf, "username": "ann@example.com", "password": "whatever it is"}
        assert health(server).json() == {"status": "ok"}
        with caller.calling():
            ends[0]()
            try:
                began = time.monotonic()
                while time.monotonic() - began < OUTAGE_S:
                    asked = time.monotonic()
                    refused = visitor.http.post(f"/login?{visitor.query}", data=password)
                    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
                    refused = visitor.token(visitor.refresh_form(tokens["refresh_token"]))
                    assert refused.status_code == 503
                    assert refused.json()["error"] == "temporarily_unavailable"
                    assert time.monotonic() - asked < 2 * GIVEN_UP_S
                trouble = wait_until(lambda: health(server).json().get("troubles"), "the trouble")
                assert "database of the user pools does not answer" in str(trouble)
                assert visitor.http.get(f"/{pool_id(server)}/.well-known/jwks.json").status_code == 200
            finally:
                ends[1]()
            wait_until(
                lambda: visitor.http.get(f"/login?{visitor.query}").status_code == 200,
                "its return",
                RECOVERY_S,
            )
            assert visitor.tokens(visitor.log_in("ann@example.com"))
            wait_until(lambda: health(server).json() == {"status": "ok"}, "health", RECOVERY_S)
        assert set(caller.seen) == {200}
        assert caller.seen[200] > 20 * OUTAGE_S
        wait_until(lambda: levels(server)[-1:] == ["info"], "the log")
        assert set(levels(server)[:-1]) == {"error"}


def levels(server: RunningServer) -> list[str]:
    """Of what the log says of the database; what is wrong may change while it is gone."""
    return [str(event["level"]) for event in events(server, "database")]


def pool_id(server: RunningServer) -> str:
    return str(server.endpoints["user_pools"]["main"]["id"])


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a disk")
def test_a_full_disk_refuses_and_harms_nothing(tmp_path: Path) -> None:
    """R7: who has a token notices nothing, who logs in is told to come again; with room again all is as before."""
    with (
        small_disk(tmp_path) as disk,
        site(tmp_path) as place,
    ):
        server = place.server()
        (tmp_path / "one").mkdir(mode=0o700)
        (tmp_path / "one" / "auth").symlink_to(disk)
        with server, Visitor(server) as visitor:
            store = place.store(server)
            add_person(store, server, "ann@example.com")
            store.close()
            tokens = visitor.tokens(visitor.log_in("ann@example.com"))
            ballast = disk / "ballast"
            fill(ballast)

            refused = [visitor.try_password("ann@example.com").status_code for _ in range(200)]

            assert set(refused) <= {303, 503}
            assert refused[-1] == 503
            headers = {"authorization": f"Bearer {tokens['access_token']}"}
            assert call(server.gateway_address, "/mine", headers=headers).status == 200
            assert visitor.lives(tokens["access_token"])

            ballast.unlink()
            assert visitor.tokens(visitor.log_in("ann@example.com"))
            assert visitor.token(visitor.refresh_form(tokens["refresh_token"])).status_code == 200
            store = place.store(server)
            with store.database.read() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
            store.close()
            assert server.stop() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True, timeout=30)
    kernel.mount_image(image, place)
    place.chmod(0o700)
    try:
        yield place
    finally:
        kernel.unmount(place)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            try:
                while True:
                    file.write(b"b" * size)
            except OSError:
                continue
