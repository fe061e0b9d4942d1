"""An engine that is not there, goes, stalls, or lacks an image: what callers and operators see, and that it passes."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.bad_containers import ContainerWatch, ThreadedProxy, foreign_image
from tests.support.engine import Engine
from tests.support.leftovers import new_uid_base
from tests.support.observed import access_record, log_lines, wait_until
from tests.support.plain_http import Reply, address_of, call, invoke
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, ServerFailed, lockgate

CODE = str(Path(__file__).parent / "bad_functions" / "code")
LONG_S = 60.0
ROUTE_S = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


class Site:
    """A server that has the engine through a proxy. Functions named `cold` have no environment when they are called."""

    def __init__(self, engine: Engine, proxy: ThreadedProxy, folder: Path) -> None:
        self.proxy = proxy
        uid_base = new_uid_base()
        names = ("warm", *(f"cold{number}" for number in range(8)))
        config = write_routes(
            folder,
            functions={
                name: {"code": CODE, "handler": "app.good", "memory": 128, "timeout": "2s"} for name in names
            },
            routes={
                f"GET /{name}": {"public": True, "function": name, "timeout": f"{ROUTE_S}s"} for name in names
            },
            server={"pull": "never", "limits": {"slots": 0}},
            defaults={"runtime": "python3.11"},
        )
        self.server = RunningServer(
            config,
            folder / "state",
            extra=("--driver", "docker", "--uid-base", str(uid_base)),
            env={"DOCKER_HOST": proxy.address},
        )
        self.server.start()
        self.client = engine.client()
        self.watch = ContainerWatch(self.server, self.client, uid_base)
        self._cold = iter(names[1:])

    def call(self, name: str) -> Reply:
        return call(self.server.gateway_address, f"/{name}", timeout_s=LONG_S)

    def cold(self) -> str:
        """A function that nobody has called."""
        return next(self._cold)

    def expect_warm(self) -> None:
        """The good one and the operators' port serve as if nothing were."""
        for _ in range(10):
            assert self.call("warm").status == 200
            assert call(address_of(self.server.endpoints["admin"]), "/health").status == 200

    def expect_recovery(self, name: str) -> None:
        wait_until(lambda: self.call(name).status == 200, "the function serves again", LONG_S)
        self.watch.settle()


@pytest.fixture(scope="module")
def proxy(engine: Engine) -> Iterator[ThreadedProxy]:
    with ThreadedProxy(engine) as made:
        yield made


@pytest.fixture(scope="module")
def site(engine: Engine, proxy: ThreadedProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(engine, proxy, tmp_path_factory.mktemp("engine"))
    try:
        wait_until(lambda: made.call("warm").status == 200, "the warm one", LONG_S)
        yield made
    finally:
        proxy.flow()
        assert made.server.stop() == 0
    made.watch.expect_nothing()
    made.client.close()


def test_calls_while_the_engine_stalls_end_at_their_own_deadline(site: Site) -> None:
    """R4: the answer is there before the engine goes on; who needs no engine notices nothing."""
    name = site.cold()
    site.proxy.stall()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.call, name)
        site.expect_warm()
        reply = waiting.result(LONG_S)
    assert reply.status == 503
    assert reply.json() == {"message": "Service Unavailable"}
    assert access_record(site.server, reply.request_id)["status"] == 503
    site.expect_warm()
    site.proxy.flow()
    site.expect_recovery(name)


@pytest.mark.parametrize("count", [1, 150, 1000])
def test_engine_that_stalls_in_the_middle_of_an_answer(site: Site, count: int) -> None:
    name = site.cold()
    site.proxy.stall(after_bytes=count)
    assert site.call(name).status == 503
    site.expect_warm()
    site.proxy.flow()
    site.expect_recovery(name)


def test_engine_that_goes_and_comes_back(site: Site) -> None:
    """R4: who needs it waits for it as long as its own deadline lets it; the operator is told; it heals by itself."""
    name = site.cold()
    site.proxy.go()
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(invoke, site.server.endpoints, name, timeout_s=LONG_S)
        try:
            assert site.call(name).status == 503
            assert not patient.done()
            site.expect_warm()
            wait_until(lambda: "the engine is taken for gone" in str(log_lines(site.server)), "the log")
        finally:
            site.proxy.come()
        assert "environment" in patient.result(LONG_S).json()
    site.expect_recovery(name)
    wait_until(lambda: "the engine is there again" in str(log_lines(site.server)), "the line", LONG_S)


def test_reload_without_an_engine_keeps_what_is_served(site: Site) -> None:
    """P3: it is refused with the reason, and again accepted afterwards."""
    text = site.server.config.read_text()
    site.server.config.write_text(text.replace('"memory": 128', '"memory": 129'))
    try:
        site.proxy.go()
        refused = lockgate("reload", "--state", site.server.state)
        assert refused.returncode != 0
        assert b"No Docker engine answers" in refused.stderr
        site.expect_warm()
    finally:
        site.proxy.come()
        site.server.config.write_text(text)
    assert lockgate("reload", "--state", site.server.state).returncode == 0
    site.expect_warm()


# --- starts that cannot be ------------------------------------------------------------------------


def start(folder: Path, address: str, **function: object) -> str:
    """What is said by a server that cannot start."""
    common = {"memory": 128} | ({} if "image" in function else {"code": CODE, "handler": "app.good"})
    config = write_routes(
        folder,
        functions={"bad": common | function},
        server={"pull": "never"},
        defaults={"runtime": "python3.11"},
    )
    extra = ("--driver", "docker", "--engine-wait", "1")
    server = RunningServer(config, folder / "state", extra=extra, env={"DOCKER_HOST": address})
    with pytest.raises(ServerFailed) as caught:
        server.start()
    return str(caught.value)


def test_start_without_an_engine_ends_with_5_and_what_to_do(tmp_path: Path) -> None:
    said = start(tmp_path, f"unix://{tmp_path}/none.sock")
    assert "exit 5" in said
    assert f"No Docker engine answers at unix://{tmp_path}/none.sock." in said
    assert "name another one with DOCKER_HOST" in said
    assert not (tmp_path / "state").exists()


def test_start_with_an_engine_that_says_nothing_ends_with_5(engine: Engine, tmp_path: Path) -> None:
    with ThreadedProxy(engine) as proxy:
        proxy.stall()
        said = start(tmp_path, proxy.address)
        proxy.flow()
    assert "exit 5" in said
    assert "does not answer in time" in said


def test_start_with_an_image_that_is_missing(engine: Engine, tmp_path: Path) -> None:
    said = start(tmp_path, engine.address, image="no-such/image:1")
    assert "exit 5" in said
    assert "The engine has no image no-such/image:1." in said
    assert "docker load" in said


def test_start_with_an_image_of_another_architecture(engine: Engine, tmp_path: Path) -> None:
    with foreign_image(engine, f"lockgate-test/foreign:{secrets.token_hex(4)}", "s390x") as tag:
        said = start(tmp_path, engine.address, image=tag)
    assert "exit 5" in said
    assert f"The image {tag} is for linux/s390x, and this engine runs linux/" in said
