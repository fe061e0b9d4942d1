"""Gateway and user pools in processes of their own: who listens where, and what is left when one of them is killed."""

import json
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support.observed import events, metrics, wait_until
from tests.support.plain_http import Reply, address_of, call
from tests.support.processes import BACK_S, parts
from tests.support.server import RunningServer, lockgate
from tests.support.sockets_of import listening

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
PASSWORD = "Correct-horse-7"
NAME = "ada@example.com"
FILE = {
    "version": 1,
    "user_pools": {
        "main": {"sign_in_with": ["email"], "clients": {"api": {"flows": ["password", "refresh"]}}},
    },
    "authorizers": {"users": {"type": "jwt", "user_pool": "main"}},
    "routes": {"GET /mine": {"auth": "users", "respond": {"body": "mine"}}},
}


class Site:
    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.pool = server.endpoints["user_pools"]["main"]

    def sign_in(self) -> Reply:
        body = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self.pool["clients"]["api"]["id"],
            "AuthParameters": {"USERNAME": NAME, "PASSWORD": PASSWORD},
        }
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
        }
        return call(
            address_of(self.server.endpoints["auth"]),
            "/",
            method="POST",
            headers=headers,
            body=json.dumps(body).encode(),
        )

    def token(self) -> str:
        token: str = self.sign_in().json()["AuthenticationResult"]["AccessToken"]
        return token

    def mine(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return call(self.server.gateway_address, "/mine", headers=headers).status

    def is_ready(self) -> bool:
        return call(address_of(self.server.endpoints["admin"]), "/ready").status == 200

    def kill(self, part: str) -> None:
        pid = parts(self.server)[part]
        os.kill(pid, signal.SIGKILL)
        wait_until(
            lambda: parts(self.server).get(part, pid) != pid and self.is_ready(),
            f"{part} is there again",
            BACK_S,
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("apart")
    config = folder / "routes.yaml"
    config.write_text(json.dumps(FILE))
    with RunningServer(config, folder / "state", extra=("--workers", "2")) as server:
        added = lockgate(
            "user", "add", NAME, "-c", config, "--state", server.state, stdin=f"{PASSWORD}\n".encode()
        )
        assert added.returncode == 0, added.stderr
        yield Site(server)


def test_each_listens_on_its_own_socket_only(site: Site) -> None:
    """Who parses forms and hashes passwords cannot accept the API's connections, and the other way round."""
    pids = parts(site.server)
    assert sorted(pids) == ["auth-1", "edge-1", "edge-2", "executor"]
    held = {name: listening(pid) for name, pid in pids.items()}
    assert [len(held[name]) for name in ("auth-1", "edge-1", "edge-2")] == [1, 1, 1]
    assert held["edge-1"] == held["edge-2"]
    assert not held["auth-1"] & (held["edge-1"] | held["executor"])


def test_tokens_of_the_one_are_good_at_the_other(site: Site) -> None:
    token = site.token()
    assert [site.mine(token), site.mine(token[:-8] + "AAAAAAAA")] == [200, 401]


def test_gateway_goes_on_while_the_user_pools_are_killed(site: Site) -> None:
    token = site.token()
    pid = parts(site.server)["auth-1"]
    os.kill(pid, signal.SIGKILL)
    assert [site.mine(token) for _ in range(10)] == [200] * 10
    wait_until(lambda: site.sign_in().status == 200, "people can sign in again", BACK_S)
    assert site.mine(site.token()) == 200
    wait_until(site.is_ready, "all are there", BACK_S)
    assert metrics(site.server)['lockgate_part_restarts_total{part="auth-1"}'] >= 1


def test_sign_ins_go_on_while_gateways_are_killed(site: Site) -> None:
    for part in ("edge-1", "edge-2"):
        site.kill(part)
        assert site.sign_in().status == 200
    assert site.mine(site.token()) == 200


def test_explanations_come_from_who_has_routes(site: Site) -> None:
    """Also when the process of the user pools attached first."""
    for part in ("edge-1", "edge-2"):
        site.kill(part)
    done = lockgate("explain", "GET", "/mine", "--live", "--json", "--state", site.server.state)
    assert (done.returncode, json.loads(done.stdout)["route"]) == (4, "GET /mine")


def test_reload_reaches_both(site: Site) -> None:
    """A route for the gateway and a client for the user pool, in one generation."""
    before = site.server.config.read_text()
    after = json.loads(before)
    after["routes"]["GET /more"] = {"public": True, "respond": {"body": "more"}}
    after["user_pools"]["main"]["clients"]["late"] = {"flows": ["password"]}
    site.server.config.write_text(json.dumps(after))
    try:
        assert lockgate("reload", "--state", site.server.state).returncode == 0
        assert call(site.server.gateway_address, "/more").body == b"more"
        env = lockgate("env", "--json", "--state", site.server.state)
        assert "late" in json.loads(env.stdout)["user_pools"]["main"]["clients"]
    finally:
        site.server.config.write_text(before)
        assert lockgate("reload", "--state", site.server.state).returncode == 0


def test_each_is_started_anew_and_nobody_is_refused(site: Site) -> None:
    """R3: sign-ins and calls, all the time."""
    token, before = site.token(), parts(site.server)
    assert site.server.process is not None
    seen = len(events(site.server, "restarted"))
    os.kill(site.server.process.pid, signal.SIGUSR2)
    statuses = set()
    while len(events(site.server, "restarted")) == seen:
        statuses |= {site.sign_in().status, site.mine(token)}
    assert statuses == {200}
    wait_until(
        lambda: not set(parts(site.server).values()) & set(before.values()), "the old ones have gone", BACK_S
    )


def test_metrics_of_people_carry_the_name_of_who_serves_them(site: Site) -> None:
    site.token()
    total = sum(
        value for name, value in metrics(site.server).items()
        if name.startswith("lockgate_auth_requests_total{") and 'worker="auth-1"' in name
    )  # fmt: skip
    assert total >= 1
