"""Who attaches is told what is served; a reload is all of them or none; who is lost is no obstacle."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from executor.catalog import Generation
from lockgate.config.loader import load_bytes
from lockgate.errors import ConfigurationError
from lockgate.parts.edges import Edges
from lockgate.parts.line import Line, LineLost
from lockgate.served import Served, snapshot_of


def served(folder: Path, number: int) -> Served:
    data = json.dumps(
        {"version": 1, "routes": {"GET /n": {"public": True, "respond": {"body": str(number)}}}}
    ).encode()
    file = load_bytes(data, folder / "routes.yaml", {}).file
    assert file is not None

    async def run(*_: object) -> None: ...

    functions = Generation(run, [])  # type: ignore[arg-type]  # never called
    snapshot = snapshot_of(file, functions)
    return Served(number=number, file=file, snapshot=snapshot, functions=functions, data=data)


class EdgeDouble:
    """The other end of a line. :ivar asked: verbs, in their order."""

    def __init__(self, name: str, *, refuses: str = "") -> None:
        self.name = name
        self.refuses = refuses
        self.asked: list[str] = []
        self.numbers: list[int] = []
        self.attached = asyncio.Event()
        self.line: Line

    async def connect(self, edges: Edges, serving: Mapping[str, Any] | None = None) -> None:
        ours, theirs = socket.socketpair()
        edges.connected(*await asyncio.open_connection(sock=theirs))
        verbs = ("prepare", "commit", "abandon", "attached", "unfit", "metrics")
        self.line = Line(
            *await asyncio.open_connection(sock=ours), {verb: self._answer(verb) for verb in verbs}
        )
        self.running = asyncio.create_task(self.line.run())
        hello = {"name": self.name, "gateway": "http://x", "restarts": 0, "serving": serving}
        self.welcome = await self.line.ask("hello", hello, timeout_s=5)

    def _answer(self, verb: str) -> Any:
        async def answer(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
            self.asked.append(verb)
            if verb == "prepare":
                if self.refuses:
                    raise ConfigurationError(self.refuses)
                self.numbers.append(value["number"])
                self.document = dict(value)
                return {"reread": ["certificate"]}
            if verb in ("attached", "unfit"):
                self.attached.set()
            return {"text": f"# {self.name}\n"} if verb == "metrics" else None

        return answer


@pytest.fixture
async def edges(tmp_path: Path) -> AsyncIterator[Edges]:
    made = Edges(
        tmp_path / "routes.yaml",
        welcome={"hi": 1},
        expected=("a", "b"),
        on_change=lambda: None,
        uids=(os.geteuid(),),
    )
    await made.begin(served(tmp_path, 1))
    yield made
    await made.close()


async def attached(edges: Edges, *names: str) -> list[EdgeDouble]:
    doubles = [EdgeDouble(name) for name in names]
    for double in doubles:
        await double.connect(edges)
        await double.attached.wait()
    return doubles


async def test_who_attaches_serves_before_it_counts(edges: Edges) -> None:
    assert edges.reasons() == ("a is not there", "b is not there")
    [a] = await attached(edges, "a")
    assert a.welcome == {"hi": 1}
    assert a.asked == ["prepare", "commit", "attached"]
    assert edges.reasons() == ("b is not there",)
    assert await edges.expositions() == {"a": "# a\n"}


async def test_who_serves_it_already_is_not_asked_again(edges: Edges) -> None:
    [a] = await attached(edges, "a")
    again = EdgeDouble("a")
    await again.connect(edges, serving=a.document)
    await again.attached.wait()
    assert again.asked == ["attached"]
    other = EdgeDouble("b")
    await other.connect(edges, serving={**a.document, "digests": {"f": "x"}})
    await other.attached.wait()
    assert other.asked == ["prepare", "commit", "attached"]


async def test_stranger_is_turned_away(tmp_path: Path) -> None:
    edges = Edges(tmp_path / "r", welcome={}, expected=(), on_change=lambda: None, uids=(os.geteuid() + 1,))
    with pytest.raises(LineLost):
        await EdgeDouble("a").connect(edges)
    await edges.close()


async def test_reload_is_prepared_by_all_before_any_swaps(edges: Edges, tmp_path: Path) -> None:
    a, b = await attached(edges, "a", "b")
    assert await edges.prepare(served(tmp_path, 2)) == ("certificate",)
    assert (a.numbers, b.numbers) == ([1, 2], [1, 2])
    assert edges.resolve(2) is not None
    assert "commit" not in a.asked[3:]
    await edges.commit()
    assert a.asked[3:] == b.asked[3:] == ["prepare", "commit"]


async def test_one_that_cannot_is_the_refusal_of_all(edges: Edges, tmp_path: Path) -> None:
    a, b = await attached(edges, "a", "b")
    b.refuses = "GET /n: no"
    with pytest.raises(ConfigurationError, match="GET /n: no"):
        await edges.prepare(served(tmp_path, 2))
    assert edges.resolve(2) is None
    b.refuses = ""
    await edges.prepare(served(tmp_path, 3))
    await edges.commit()
    assert a.asked[3:] == ["prepare", "abandon", "prepare", "commit"]


async def test_who_is_lost_meanwhile_is_no_obstacle(edges: Edges, tmp_path: Path) -> None:
    a, b = await attached(edges, "a", "b")
    b.line.close()
    await b.running
    await edges.prepare(served(tmp_path, 2))
    await edges.commit()
    assert a.numbers == [1, 2]


async def test_who_attaches_during_a_reload_gets_its_outcome(edges: Edges, tmp_path: Path) -> None:
    [a] = await attached(edges, "a")
    await edges.prepare(served(tmp_path, 2))
    late = EdgeDouble("b")
    await late.connect(edges)
    assert late.asked == []
    await edges.commit()
    await late.attached.wait()
    assert (a.numbers, late.numbers) == ([1, 2], [2])


async def test_generation_ends_when_all_have_released_it_or_are_gone(edges: Edges, tmp_path: Path) -> None:
    a, b = await attached(edges, "a", "b")
    await edges.prepare(served(tmp_path, 2))
    await edges.commit()
    ended = asyncio.create_task(edges.ended(1))
    a.line.tell("released", {"number": 1})
    with pytest.raises(LineLost):
        await a.line.ask("what comes behind it", timeout_s=5)
    assert edges.resolve(1) is not None
    b.line.close()
    await ended
    assert edges.resolve(1) is None
    assert edges.resolve(2) is not None


async def test_one_that_cannot_serve_what_is_served_is_told_so(edges: Edges) -> None:
    unfit = EdgeDouble("a", refuses="page.html cannot be read")
    await unfit.connect(edges)
    await unfit.attached.wait()
    assert unfit.asked == ["prepare", "unfit"]
    assert "a is not there" in edges.reasons()


async def test_nobody_there_explains_nothing(edges: Edges) -> None:
    with pytest.raises(LineLost):
        await edges.explain({})
