"""R3: a reload loses nothing, shows nothing half, keeps what is warm, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.observed import events, metrics, wait_until
from tests.support.plain_http import Reply, call, invoke
from tests.support.reload_load import History, Load, reload_often, write_generation
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer, lockgate

pytestmark = pytest.mark.timeout(60)

# Tells what its code says, and which environment it is.
TELLS = """
import json, os, pathlib, time, uuid
WHO = uuid.uuid4().hex
def handler(event, context):
    if event.get("rawPath") == "/slow":
        gate = pathlib.Path(os.environ["GATES"])
        (gate / "begun").touch()
        while not (gate / "open").exists():
            time.sleep(0.01)
    return {"statusCode": 200, "body": json.dumps({"code": "first", "who": WHO})}
"""


class Site:
    """A folder with a routes file, its code, and the server that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gates = folder / "gates"
        (folder / "code").mkdir()
        (folder / "other").mkdir()
        self.gates.mkdir(mode=0o777)
        self.gates.chmod(0o777)
        self.save("first")
        (folder / "other" / "app.py").write_text(TELLS)
        self.functions = {
            "tells": {
                "code": "code",
                "handler": "app.handler",
                "timeout": "30s",
                "volumes": {"GATES": "gates"},
            },
            "other": {"code": "other", "handler": "app.handler"},
        }
        self.routes = {"ANY /slow": {"public": True, "function": "tells"}}
        for name in self.functions:
            self.routes[f"ANY /{name}"] = {"public": True, "function": name}
        self.write()
        self.server: RunningServer

    def save(self, code: str) -> None:
        (self.folder / "code" / "app.py").write_text(TELLS.replace("first", code))

    def save_whole(self, code: str) -> None:
        """As most editors do: nobody ever reads half of it."""
        draft = self.folder / "app.py.draft"
        draft.write_text(TELLS.replace("first", code))
        draft.replace(self.folder / "code" / "app.py")

    def write(self) -> Path:
        return write_routes(self.folder, functions=self.functions, routes=self.routes)

    def reload(self, *words: str) -> tuple[int, str, str]:
        done = lockgate("reload", "--state", self.server.state, *words)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def get(self, path: str) -> Reply:
        return call(self.server.gateway_address, path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    with RunningServer(tmp_path / "routes.yaml", tmp_path / "state") as made.server:
        yield made


def test_save_is_served_after_reload_and_the_unchanged_function_stays_warm(site: Site) -> None:
    before = {name: site.get(f"/{name}").json() for name in ("tells", "other")}
    site.save("again")
    assert site.get("/tells").json() == before["tells"]
    code, out, err = site.reload()
    assert (code, err) == (0, "")
    assert out.startswith("Function tells rebuilt; 1 warm environment kept (")
    after = {name: site.get(f"/{name}").json() for name in ("tells", "other")}
    assert after["other"] == before["other"]
    assert after["tells"]["code"] == "again"
    wait_until(lambda: metrics(site.server)["lockgate_pools"] == 2, "the end of the old pool")


@pytest.mark.slow
def test_mistake_changes_nothing_and_is_told_as_check_tells_it(site: Site) -> None:
    """P3."""
    site.routes["GET /new"] = {"public": True, "function": "nobody"}
    site.save("again")
    path = site.write()
    code, out, err = site.reload()
    checked = lockgate("check", "-c", path)
    assert (code, out, err) == (3, "", checked.stderr.decode())
    assert checked.returncode == 3
    assert "nobody" in err
    assert site.get("/tells").json()["code"] == "first"
    assert site.get("/new").status == 404
    [event] = wait_until(lambda: events(site.server, "reload_refused"), "its event")
    assert "nobody" in event["reason"]
    del site.routes["GET /new"]
    site.write()
    assert site.reload()[0] == 0
    assert site.get("/tells").json()["code"] == "again"


def test_package_that_cannot_be_made_is_refused_by_name(site: Site) -> None:
    os.mkfifo(site.folder / "other" / "pipe")
    code, out, err = site.reload()
    assert (code, out) == (3, "")
    assert err.startswith("functions.other: ")
    assert "pipe" in err
    (site.folder / "other" / "pipe").unlink()
    assert site.reload()[0] == 0


def test_json_tells_what_changed(site: Site) -> None:
    site.routes["GET /page"] = {"public": True, "respond": {"body": "hello"}}
    del site.functions["other"], site.routes["ANY /other"]
    site.write()
    code, out, _ = site.reload("--json")
    assert code == 0
    for part in ('"generation": 2', '"GET /page"', '"ANY /other"', '"other"'):
        assert part in out
    assert site.get("/page").body == b"hello"
    assert site.get("/other").status == 404
    assert invoke(site.server.endpoints, "other").status == 404


def test_other_content_of_a_response_file_is_a_change(site: Site) -> None:
    page = site.folder / "page.html"
    page.write_text("one")
    site.routes["GET /page"] = {"public": True, "respond": {"file": "page.html"}}
    site.write()
    site.reload()
    page.write_text("two")
    assert site.reload()[1].startswith("1 route changed (")
    assert site.get("/page").body == b"two"


def test_keys_that_need_a_restart_are_named_and_the_rest_is_applied(site: Site) -> None:
    site.routes["GET /page"] = {"public": True, "respond": {"body": "hello"}}
    write_routes(
        site.folder,
        functions=site.functions,
        routes=site.routes,
        region="eu-west-1",
        server={"limits": {"log_mb": 7}, "domains": ["127.0.0.1"]},
    )
    code, out, err = site.reload()
    assert code == 0
    assert err == "region and server.limits.log_mb keep their values until a restart.\n"
    assert "1 route added; server.domains changed" in out
    assert site.get("/page").body == b"hello"
    assert call(site.server.gateway_address, "/page", headers={"host": "other.example"}).status == 403
    assert invoke(site.server.endpoints, "tells").status == 200  # the region of the start signs


def test_request_that_had_begun_ends_with_the_function_that_was_taken_out(site: Site) -> None:
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(site.get("/slow")), name="slow call")
    thread.start()
    try:
        wait_until(lambda: (site.gates / "begun").exists(), "the call")
        del site.functions["tells"], site.routes["ANY /slow"], site.routes["ANY /tells"]
        site.write()
        assert "function tells removed" in site.reload()[1]
        assert site.get("/slow").status == 404
        assert metrics(site.server)["lockgate_pools"] >= 1
    finally:
        (site.gates / "open").touch()
        thread.join(20)
    assert [(reply.status, reply.json()["code"]) for reply in replies] == [(200, "first")]
    wait_until(lambda: metrics(site.server)["lockgate_pools"] == 1, "the end of its pool")


def test_sighup_reloads(site: Site) -> None:
    assert site.server.process is not None
    site.save("again")
    site.server.process.send_signal(signal.SIGHUP)
    [event] = wait_until(lambda: events(site.server, "reloaded"), "the reload")
    assert (event["generation"], event["rebuilt"]) == (2, ["tells"])
    assert site.get("/tells").json()["code"] == "again"


def test_sighup_during_the_start_is_remembered(tmp_path: Path) -> None:
    """The file may have been read before the save that the signal is about."""
    site = Site(tmp_path)
    site.server = RunningServer(tmp_path / "routes.yaml", tmp_path / "state")
    starter = threading.Thread(target=site.server.start, name="start")
    starter.start()
    try:
        wait_until((tmp_path / "state" / "packages").is_dir, "the start's work on packages", 30)
        assert site.server.process is not None
        site.server.process.send_signal(signal.SIGHUP)
    finally:
        starter.join(60)
    try:
        [event] = wait_until(lambda: events(site.server, "reloaded"), "the reload")
        assert event["generation"] == 2
    finally:
        assert site.server.stop() == 0


def test_server_ends_while_dependencies_are_installed(tmp_path: Path) -> None:
    """R2: SIGTERM during a reload whose package index says nothing; the process stayed until pip gave up."""
    site = Site(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(30)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        env = {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""}
        with RunningServer(tmp_path / "routes.yaml", tmp_path / "state", env=env) as site.server:
            assert site.server.process is not None
            (site.folder / "other" / "requirements.txt").write_text("never-there==1\n")
            site.server.process.send_signal(signal.SIGHUP)
            with index.accept()[0]:
                assert site.get("/tells").json()["code"] == "first"
                site.server.process.send_signal(signal.SIGTERM)
                assert site.server.process.wait(15) == 0
            site.server.exit_code()
    assert not list((tmp_path / "state" / "packages" / "deps").glob(".draft-*"))


def test_without_a_server_it_is_exit_5(tmp_path: Path) -> None:
    done = lockgate("reload", "--state", tmp_path / "state")
    assert (done.returncode, b"No server runs" in done.stderr) == (5, True)


def test_other_credentials_are_exit_4(site: Site) -> None:
    endpoints = site.server.state / "endpoints.json"
    endpoints.write_text(
        endpoints.read_text().replace(site.server.endpoints["secret_access_key"], "not-the-key")
    )
    code, _, err = site.reload()
    assert (code, "signature" in err) == (4, True)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_hundred_reloads_under_load_lose_nothing(tmp_path: Path) -> None:
    """R3: 64 connections, every tenth file broken; each answer is of a generation that was current meanwhile."""
    history = History(begun={0: 0.0})
    with RunningServer(write_generation(tmp_path, 0), tmp_path / "state") as server:
        load = Load(server.gateway_address, history)
        running = asyncio.create_task(load.run(), name="load")
        try:
            await reload_often(tmp_path, server.endpoints, history, times=100)
        finally:
            load.stopped = True
            await running
        assert load.failures == [], f"{len(load.failures)} of {load.answers}: {load.failures[:5]}"
        assert load.answers > 1000
        wait_until(lambda: len(events(server, "reloaded")) == 90, "what the log says of each")
        wait_until(lambda: metrics(server)["lockgate_pools"] == 2, "the end of old pools")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
async def test_two_hundred_reloads_leave_nothing_behind(tmp_path: Path) -> None:
    def held(server: RunningServer) -> tuple[int, int]:
        assert server.process is not None
        of = Path(f"/proc/{server.process.pid}")
        return len(list((of / "fd").iterdir())), len(list((of / "task").iterdir()))

    with RunningServer(write_generation(tmp_path, 0), tmp_path / "state") as server:
        await reload_often(tmp_path, server.endpoints, History(), times=20)
        for path in ("/echo", "/aged"):
            assert call(server.gateway_address, path, method="POST", body=b"x").status == 200
        before = held(server)
        await reload_often(tmp_path, server.endpoints, History(), times=100)
        await reload_often(tmp_path, server.endpoints, History(), times=100)
        wait_until(lambda: metrics(server)["lockgate_pools"] == 2, "the end of old pools")
        # Thread pools grow on demand up to their bounds, whatever reloads do; one thing kept by every
        # broken file alone would be 20.
        wait_until(
            lambda: max(b - a for a, b in zip(before, held(server), strict=True)) < 15,
            f"about as many descriptors and threads as {before}",
        )


class Developer(Site):
    """The same site under `lockgate dev`."""

    def printed(self) -> str:
        return self.server.stderr()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Developer]:
    made = Developer(tmp_path)
    with RunningServer(tmp_path / "routes.yaml", tmp_path / "state", command="dev") as made.server:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_fifty_saves_are_each_served_to_the_request_after_them(dev: Developer) -> None:
    """Lessons, 8: 100 ms apart and of equal length; each is asked for 200 ms after it was written."""
    assert dev.get("/tells").status == 200
    loop = asyncio.get_running_loop()
    begun = loop.time()
    asked: list[asyncio.Task[Reply]] = []
    for number in range(50):
        dev.save_whole(f"{number:05d}")
        written = loop.time()
        asked.append(asyncio.create_task(_ask_at(dev, written + 0.2), name=f"request after save {number}"))
        await asyncio.sleep(max(0.0, begun + (number + 1) * 0.1 - loop.time()))  # the pace is what is tested
    replies = await asyncio.gather(*asked)
    assert [reply.status for reply in replies] == [200] * 50, dev.printed()
    codes = [int(reply.json()["code"]) for reply in replies]
    assert [(number, code) for number, code in enumerate(codes) if code < number] == []
    assert dev.get("/tells").json()["code"] == "00049"


async def _ask_at(dev: Developer, moment: float) -> Reply:
    await asyncio.sleep(moment - asyncio.get_running_loop().time())
    return await asyncio.to_thread(dev.get, "/tells")


def test_broken_save_is_told_and_the_next_good_one_is_served(dev: Developer) -> None:
    good = (dev.folder / "routes.yaml").read_text()
    (dev.folder / "routes.yaml").write_text(good.replace('"version": 1', '"version": 1, "colour": "red"'))
    wait_until(lambda: "Not reloaded" in dev.printed(), "the mistake")
    assert 'error[unknown-key] there is no key "colour" here' in dev.printed()
    assert dev.get("/tells").status == 200
    (dev.folder / "routes.yaml").write_text(good.replace("/tells", "/told"))
    wait_until(lambda: "1 route added, 1 removed" in dev.printed(), "the reload")
    assert (dev.get("/told").status, dev.get("/tells").status) == (200, 404)


def test_file_that_was_missing_mends_the_mistake_when_it_comes(dev: Developer) -> None:
    dev.routes["GET /page"] = {"public": True, "respond": {"file": "web/page.html"}}
    dev.write()
    wait_until(lambda: "Not reloaded" in dev.printed(), "the mistake")
    (dev.folder / "web").mkdir()
    (dev.folder / "web" / "page.html").write_text("one")
    wait_until(lambda: "Reloaded in" in dev.printed(), "the reload")
    assert dev.get("/page").body == b"one"
    (dev.folder / "web" / "page.html").write_text("two")
    wait_until(lambda: dev.get("/page").body == b"two", "the other content")


def test_save_tells_one_line_and_what_changes_nothing_tells_none(dev: Developer) -> None:
    dev.save("first")
    dev.save("again")
    wait_until(lambda: dev.get("/tells").json()["code"] == "again", "the new code")
    told = [line for line in dev.printed().splitlines() if line.startswith("Reloaded")]
    assert len(told) == 1
    assert told[0].split(": ")[1].startswith("function tells rebuilt")
