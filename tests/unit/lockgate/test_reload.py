"""P3, R3: whole or not at all, one at a time, and what nobody uses any more is let go when the last request ends."""

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from executor.executor import Executor
from executor.packages.store import PackageStore
from gateway.app import Gateway
from gateway.authorizers.function.authorizer import FunctionGate
from gateway.deployment import RoutePlan
from gateway.issuers.issuer import Issuers
from gateway.metrics import GatewayMetrics
from gateway.services import Services
from kit.names import Names
from lockgate.errors import ConfigurationError
from lockgate.front import LocalFront
from lockgate.reload import Builder, Outcome, Refused, Reloaded, Reloader
from lockgate.revisions import RevisionBuilder
from tests.support.executor_world import ExecutorWorld, call
from tests.support.gateway_harness import Harness, Received, RecordingInvoker

HELLO: dict[str, Any] = {"public": True, "respond": {"body": "hello"}}


class Site:
    """A routes file, an executor over the fake driver, and a reloader between them; no sockets."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self.path = folder / "routes.yaml"
        self.executor = executor
        self.told: list[Outcome] = []
        self.begun: list[int] = []
        self.rereads = 0
        self.fails_to_reread = ""
        self.reread: tuple[str, ...] = ()
        registry = CollectorRegistry()
        self.metrics = GatewayMetrics(registry)
        self.services = Services(Issuers())
        self.store = PackageStore(folder / "packages")
        self.builder = Builder(
            (self.path,),
            revisions=RevisionBuilder(self.store, cache=folder, say=lambda _: None),
            executor=executor,
        )
        self.records: list[Any] = []
        self.front = LocalFront(
            self.services,
            names=Names(instance="0a0b0c0d"),
            metrics=self.metrics,
            make_gateway=lambda serving: Gateway(
                serving.deployment, sink=self.records.append, metrics=self.metrics
            ),
            reread=self._reread,
            begun=lambda serving: self.begun.append(serving.number),
        )
        for name in ("f", "g"):
            (folder / name).mkdir()
            self.save(name, "first")
        self.write()
        self._registry = registry

    def save(self, function: str, text: str) -> None:
        (self.path.parent / function / "app.py").write_text(f"def handler(event, context): return {text!r}\n")

    def write(self, *functions: str, routes: dict[str, Any] | None = None, **sections: Any) -> None:
        declared: dict[str, Any] = {"GET /hello": HELLO} | (routes or {})
        declared |= {f"POST /{name}": {"public": True, "function": name} for name in functions}
        content: dict[str, Any] = {"version": 1, "routes": declared, **sections}
        if functions:
            content["functions"] = {name: {"code": name, "handler": "app.handler"} for name in functions}
        self.path.write_text(json.dumps(content))

    async def open(self) -> None:
        loaded = (await self.builder.read()).loaded
        assert loaded.file is not None, loaded.problems
        served = await self.builder.build(loaded.file, number=1)
        await self.front.prepare(served)
        self.executor.adopt(served.functions)
        await self.front.commit()
        self.begun.clear()
        gateway = self.gateway = self.front.gateway
        self.harness = Harness(gateway, RecordingInvoker(), self.metrics, self._registry, self.records)
        self.reloader = Reloader(
            self.builder, served, self.front, tell=self.told.append, begun=lambda _: None
        )

    def _reread(self) -> tuple[str, ...]:
        self.rereads += 1
        if self.fails_to_reread:
            raise ConfigurationError(self.fails_to_reread)
        return self.reread

    async def reload(self) -> Reloaded:
        outcome = await self.reloader.reload()
        assert isinstance(outcome, Reloaded), outcome
        return outcome

    async def refused(self) -> Refused:
        outcome = await self.reloader.reload()
        assert isinstance(outcome, Refused), outcome
        return outcome

    def plan(self, name: str) -> RoutePlan:
        match = self.gateway.deployment.routes.match("GET", [name])
        assert match is not None
        return match.value

    def authorizer(self) -> object:
        """What keeps the answers for the route ``GET /kept``."""
        gate = self.plan("kept").authorizer
        assert isinstance(gate, FunctionGate)
        return gate._authorizer

    def integration(self, function: str) -> "weakref.ref[Any]":
        """A part of the deployment that is served now."""
        match = self.gateway.deployment.routes.match("POST", [function])
        assert match is not None
        return weakref.ref(match.value.integration)

    async def get(self, path: str) -> Received:
        return await self.harness.request("GET", path)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with ExecutorWorld() as world:
        world.executor.apply([])
        made = Site(tmp_path, world.executor)
        for generation in world.executor.catalog.in_use:
            world.executor.release(generation)
        await made.open()
        yield made
        await made.reloader.close()


async def test_new_file_is_served_from_one_moment_on(site: Site) -> None:
    site.write(routes={"GET /bye": {"public": True, "respond": {"body": "bye"}}})
    assert (await site.get("/bye")).status == 404
    outcome = await site.reload()
    assert (await site.get("/bye")).body == b"bye"
    assert outcome.changes.sentence() == "1 route added"
    assert (outcome.generation, site.begun, site.rereads) == (2, [2], 1)
    assert site.told == [outcome]


@pytest.mark.parametrize("stage", ["file", "yaml", "package", "route", "certificate"])
async def test_failure_before_the_swap_changes_nothing(
    site: Site, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: whatever fails, and the twin without the fault is applied."""
    page = site.path.parent / "page.html"
    page.write_text("page")
    site.write("f", routes={"GET /page": {"public": True, "respond": {"file": "page.html"}}})
    right = site.path.read_text()
    with monkeypatch.context() as patch:
        if stage == "file":
            site.path.unlink()
        elif stage == "yaml":
            site.path.write_text("version: [")
        elif stage == "package":
            (site.path.parent / "f" / "a\\b.py").write_text("")
        elif stage == "route":
            read = site.builder.read

            async def read_then_vanish() -> Any:
                loaded = await read()
                page.unlink()
                return loaded

            patch.setattr(site.builder, "read", read_then_vanish)
        else:
            site.fails_to_reread = "cert.pem: it has expired"
        before, functions = site.reloader.served, site.executor.catalog.in_use
        deployment = site.gateway.deployment
        outcome = await site.refused()
    assert outcome.reason
    assert bool(outcome.problems) == (stage in ("file", "yaml"))
    assert site.reloader.served is before
    assert site.gateway.deployment is deployment
    assert site.executor.catalog.in_use == functions
    assert site.executor.shell.revisions == {}
    assert (await site.get("/hello")).body == b"hello"

    (site.path.parent / "f" / "a\\b.py").unlink(missing_ok=True)
    page.write_text("page")
    site.path.write_text(right)
    site.fails_to_reread = ""
    assert (await site.reload()).generation == 2


async def test_every_function_that_cannot_be_built_is_named(site: Site) -> None:
    site.write("f", "g")
    for name in ("f", "g"):
        (site.path.parent / name / "a\\b.py").write_text("")
    reason = (await site.refused()).reason
    assert [line.partition(":")[0] for line in reason.splitlines()] == ["functions.f", "functions.g"]


async def test_fault_of_ours_is_a_refusal_and_the_next_reload_works(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    with monkeypatch.context() as patch:
        patch.setattr(site.builder, "build", fail)
        refused = await site.refused()
    assert "RuntimeError" in refused.reason
    assert refused.is_fault
    assert "odd" in caplog.text
    await site.reload()


async def test_what_was_read_beside_the_file_is_told(site: Site) -> None:
    """Who changed a certificate and reloaded was told that nothing had changed."""
    site.reread = ("certificate",)
    assert (await site.reload()).changes.sentence() == "certificate changed"


async def test_each_caller_gets_a_reload_that_began_after_its_call(site: Site) -> None:
    """Those that come while one runs are one more after it; the one that runs may have read the file before them."""
    readings = 0
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = site.builder.read

    async def slow_read() -> Any:
        nonlocal readings
        readings += 1
        loaded = await read()
        reading.set()
        await go_on.wait()
        return loaded

    site.builder.read = slow_read  # type: ignore[method-assign]
    first = asyncio.create_task(site.reloader.reload())
    await reading.wait()
    site.write(routes={"GET /late": HELLO})
    others = [asyncio.create_task(site.reloader.reload()) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    outcome, *later = await asyncio.gather(first, *others)
    assert isinstance(outcome, Reloaded)
    assert not outcome.changes
    assert all(each is later[0] for each in later)
    assert isinstance(later[0], Reloaded)
    assert later[0].changes.routes.added == ("GET /late",)
    assert readings == 2


async def test_caller_that_leaves_takes_nobodys_reload_away(site: Site) -> None:
    site.write(routes={"GET /late": HELLO})
    leaver, stayer = (asyncio.create_task(site.reloader.reload()) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    assert isinstance(await stayer, Reloaded)
    assert (await site.get("/late")).status == 200


async def test_closing_answers_who_waits_and_who_comes_late(site: Site) -> None:
    reading = asyncio.Event()

    async def endless() -> Any:
        reading.set()
        await asyncio.Event().wait()

    site.builder.read = endless  # type: ignore[method-assign]
    running = asyncio.create_task(site.reloader.reload())
    await reading.wait()
    waiting = asyncio.create_task(site.reloader.reload())
    await asyncio.sleep(0)
    await site.reloader.close()
    for outcome in (await running, await waiting, await site.reloader.reload()):
        assert outcome == Refused(reason="The server is shutting down.", is_fault=True)


async def test_old_revisions_go_when_the_last_request_of_their_generation_has_ended(site: Site) -> None:
    site.write("f", "g")
    await site.reload()
    old, deployment = site.reloader.served, site.gateway.deployment
    deployment.visits.count += 1  # a request that reads its body
    site.save("f", "again")
    site.write("f")
    outcome = await site.reload()
    assert outcome.changes.sentence() == "1 route removed; function f rebuilt; function g removed"
    await asyncio.sleep(0)
    assert len(site.executor.shell.revisions) == 3
    assert old.functions.latest("g") is not None
    deployment.visits.leave()
    await _until(lambda: len(site.executor.shell.revisions) == 1)
    assert old.functions.latest("g") is None


async def test_request_that_never_ends_is_waited_for_a_bounded_time(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lockgate.front.BEFORE_THE_CALL_S", 0.01)
    site.write("f")
    content = json.loads(site.path.read_text())
    content["routes"] = {"POST /f": {"public": True, "function": "f", "timeout": "50ms"}}
    site.path.write_text(json.dumps(content))
    await site.reload()
    site.gateway.deployment.visits.count += 1
    site.write()
    await site.reload()
    await _until(lambda: not site.executor.shell.revisions)
    assert "1 requests of generation 2 have not ended yet" in caplog.text


async def test_services_are_kept_while_an_old_request_or_a_build_needs_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = 0
    sweep = site.services.sweep

    def count() -> None:
        nonlocal swept
        swept += 1
        assert site.front._is_building is False
        sweep()

    monkeypatch.setattr(site.services, "sweep", count)
    first = site.gateway.deployment
    first.visits.count += 1
    await site.reload()
    site.path.write_text("version: [")
    await site.refused()
    site.write()
    await site.reload()
    await asyncio.sleep(0)
    assert swept == 0
    first.visits.leave()
    await _until(lambda: swept == 1)
    site.write(cors={"allow_origins": ["https://a.example"]})
    site.fails_to_reread = "cert.pem: it has expired"
    await site.refused()
    assert swept == 2


async def test_buckets_and_caches_live_through_reloads_also_refused_ones(site: Site) -> None:
    """The reload that is refused last of all has built a whole deployment, which did not ask for these."""
    door = {
        "who": {
            "type": "function",
            "function": "f",
            "identity_source": ["$request.header.x-key"],
            "ttl": "5m",
        }
    }
    held = {"public": True, "respond": {"body": "x"}, "throttle": {"rate": 5, "burst": 5}}
    kept = {"respond": {"body": "x"}, "auth": "who"}
    site.write("f", routes={"GET /held": held, "GET /kept": kept}, authorizers=door)
    await site.reload()
    throttle, authorizer = site.plan("held").throttle, site.authorizer()
    assert throttle is not None
    right = site.path.read_text()
    site.write()
    site.fails_to_reread = "cert.pem: it has expired"
    await site.refused()
    site.fails_to_reread = ""
    site.path.write_text(right.replace('"POST /f"', '"PUT /f"'))
    await site.reload()
    assert site.plan("held").throttle is throttle
    assert site.authorizer() is authorizer
    site.save("f", "again")
    await site.reload()
    assert site.plan("held").throttle is throttle
    assert site.authorizer() is not authorizer  # what its cache holds are answers of the old code


async def test_replaced_deployment_is_garbage_without_the_collector(site: Site) -> None:
    """The collector is told at the start that what lives then lives on (`gc.freeze`): a cycle would stay for ever."""
    site.write("f", "g", cors={"allow_origins": ["https://a.example"]}, stages={"$default": {}, "v1": {}})
    await site.reload()
    gc.disable()
    try:
        gone = site.integration("f")
        assert gone() is not None
        site.write()
        await site.reload()
        await _until(lambda: gone() is None)
    finally:
        gc.enable()


async def test_kept_environments_are_those_of_unchanged_functions(site: Site) -> None:
    site.write("f", "g")
    await site.reload()
    for name in ("f", "g"):
        await site.executor.invoke(call(function=name))
    site.save("g", "again")
    outcome = await site.reload()
    assert outcome.changes.kept_environments == 1
    assert outcome.changes.rebuilt == ("g",)


async def _until(holds: Any) -> None:
    """Let the loop run until *holds*; what is waited for needs no time, only turns."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # turns of the loop, not time
            await asyncio.sleep(0)
