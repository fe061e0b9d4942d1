"""The edges that are attached to this executor: each has a line, and together they are the `Front` of its reloads.

An edge that attaches is told what is served and serves it before it counts. A reload is prepared by all of them, or
by none; one that is lost meanwhile is asked again when it attaches anew. State: who is attached, and which
generations each still answers from.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from executor.catalog import Generation
from lockgate.errors import ConfigurationError
from lockgate.parts.document import Document, document_of, same
from lockgate.parts.line import Handler, Line, LineLost, Value
from lockgate.served import Served

PREPARE_S = 120.0  # 10,000 routes take a second; a machine that swaps takes longer
COMMIT_S = 15.0  # a swap, and at the first time a listener that starts
ASK_S = 5.0  # numbers and explanations

log = logging.getLogger("lockgate.edges")


class Edge:
    """One attached edge. :param gateway: where clients reach it; empty: it serves login pages only.
    :ivar holding: generations that it may have requests of.
    """

    def __init__(self, name: str, gateway: str, line: Line, *, restarts: int) -> None:
        self.name = name
        self.gateway = gateway
        self.line = line
        self.restarts = restarts
        self.holding: set[int] = set()
        self.is_serving = False
        self.is_leaving = False
        self.identity: Value = {}  # what it says of its user pools, and their troubles
        self.troubles: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Edge {self.name} holding={sorted(self.holding)}>"


class Edges:
    """:param path: of the routes file. :param welcome: what each edge is told first.
    :param expected: names that must be attached before all is ready; none: whoever comes.
    :param uids: who may attach. :param on_change: called when an edge has begun to serve or was lost.
    """

    def __init__(
        self,
        path: Path,
        *,
        welcome: Value,
        expected: Collection[str],
        on_change: Callable[[], None],
        uids: Iterable[int] | None = None,
    ) -> None:
        self._path = path
        self._welcome = welcome
        self._expected = expected
        self._on_change = on_change
        self._uids = frozenset((os.geteuid(), 0) if uids is None else uids)
        self._edges: dict[Line, Edge] = {}
        self._generations: dict[int, Generation] = {}
        self._document: Document | None = None
        self._prepared: tuple[Served, Document] | None = None
        self._turn = asyncio.Lock()  # a reload, or one edge that is told what is served
        self._changed = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()

    # --- what is served: the Front of reloads ---------------------------------------------------

    async def begin(self, served: Served) -> None:
        """What is served from the start on."""
        self._generations[served.number] = served.functions
        self._document = await asyncio.to_thread(document_of, served, self._path)

    def resolve(self, number: int) -> Generation | None:
        """What runs the calls of a generation."""
        return self._generations.get(number)

    async def prepare(self, after: Served) -> tuple[str, ...]:
        """See `lockgate.reload.Front`: every attached edge says that it could serve *after*."""
        await self._turn.acquire()
        try:
            document = await asyncio.to_thread(document_of, after, self._path)
            self._generations[after.number] = after.functions
            self._prepared = after, document
            answers = await self._ask_all("prepare", document, PREPARE_S)
        except BaseException:
            self.abandon()
            raise
        return tuple(dict.fromkeys(name for answer in answers for name in answer.get("reread", ())))

    def abandon(self) -> None:
        if self._prepared is not None:
            del self._generations[self._prepared[0].number]
            self._prepared = None
        for edge in self._edges.values():
            edge.line.tell("abandon")
        if self._turn.locked():
            self._turn.release()

    async def commit(self) -> None:
        assert self._prepared is not None
        after, document = self._prepared
        self._prepared, self._document = None, document
        for edge in self._edges.values():
            edge.holding.add(after.number)
        try:
            await self._ask_all("commit", {}, COMMIT_S)
        finally:
            self._turn.release()

    async def ended(self, number: int) -> None:
        """Edges say themselves when their last request of *number* has ended, and wait for it not for ever."""
        while any(number in edge.holding for edge in self._edges.values()):
            self._changed.clear()
            await self._changed.wait()
        self._generations.pop(number, None)

    async def _ask_all(self, verb: str, value: Value, timeout_s: float) -> list[Value]:
        """:raises ConfigurationError: one of them cannot serve it. Whoever is lost is no obstacle."""
        asked = [edge for edge in self._edges.values() if edge.is_serving]
        answers = await asyncio.gather(
            *(edge.line.ask(verb, value, timeout_s=timeout_s) for edge in asked), return_exceptions=True
        )
        given = []
        for edge, answer in zip(asked, answers, strict=True):
            if isinstance(answer, LineLost):
                log.warning("%s was lost while it was asked to %s", edge.name, verb)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                given.append(answer)
        return given

    # --- who is attached ------------------------------------------------------------------------

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What `asyncio.start_unix_server` calls."""
        line = Line(reader, writer)
        line.handlers = self._handlers(line)
        if line.peer[1] not in self._uids:
            log.warning("process %d of user %d may not attach", *line.peer)
            line.close()
            return
        task = asyncio.create_task(self._run(line), name="edge")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    def _handlers(self, line: Line) -> Mapping[str, Handler]:
        async def hello(value: Value) -> Value:
            return self._hello(line, value)

        async def released(value: Value) -> None:
            self._edges[line].holding.discard(value["number"])
            self._changed.set()

        async def leaving(_: Value) -> None:
            self._edges[line].is_leaving = True
            self._on_change()

        async def identity(value: Value) -> None:
            edge = self._edges[line]
            edge.identity, edge.troubles = value["described"], tuple(value["troubles"])
            self._on_change()

        return {"hello": hello, "released": released, "leaving": leaving, "identity": identity}

    async def _run(self, line: Line) -> None:
        try:
            await line.run()
        finally:
            edge = self._edges.pop(line, None)
            self._changed.set()
            if edge is not None:
                log.info("%s has left", edge.name)
                self._on_change()

    def _hello(self, line: Line, value: Value) -> Value:
        edge = Edge(value["name"], value["gateway"], line, restarts=value["restarts"])
        self._edges[line] = edge
        task = asyncio.create_task(self._attach(edge, value["serving"]), name=f"attach {edge.name}")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        return self._welcome

    async def _attach(self, edge: Edge, serving: Document | None) -> None:
        """Have it serve what is served; from then on it takes part in reloads."""
        async with self._turn:
            document = self._document
            assert document is not None
            try:
                if not same(document, serving):
                    edge.holding.add(document["number"])
                    await edge.line.ask("prepare", document, timeout_s=PREPARE_S)
                    await edge.line.ask("commit", timeout_s=COMMIT_S)
            except LineLost as error:
                log.warning("%s was lost while it attached: %s", edge.name, error)
                edge.line.close()
                return
            except ConfigurationError as error:
                log.error("%s cannot serve generation %d: %s", edge.name, document["number"], error.what)
                edge.line.tell("unfit", {"why": error.what})
                return
            edge.holding.add(document["number"])
            edge.is_serving = True
        self._on_change()
        edge.line.tell("attached")

    async def close(self) -> None:
        for line in list(self._edges):
            line.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    # --- what is asked of them ------------------------------------------------------------------

    @property
    def serving(self) -> list[Edge]:
        return [edge for edge in self._edges.values() if edge.is_serving and not edge.line.is_lost]

    def reasons(self) -> tuple[str, ...]:
        """Why the edges are not all ready."""
        there = {edge.name: edge for edge in self.serving}
        missing = [f"{name} is not there" for name in self._expected if name not in there]
        return (*missing, *(f"{edge.name} is draining" for edge in there.values() if edge.is_leaving))

    def identity(self) -> Value:
        """Where the user pools are, as the first edge that serves them says; empty where none does."""
        return next((edge.identity for edge in self.serving if edge.identity), {})

    def troubles(self) -> tuple[str, ...]:
        """What edges cannot do at present although they serve; each sentence once."""
        return tuple(dict.fromkeys(said for edge in self.serving for said in edge.troubles))

    async def expositions(self) -> dict[str, str]:
        """The metrics of each edge, by its name; whoever does not answer in time is left out."""
        asked = self.serving
        answers = await asyncio.gather(
            *(edge.line.ask("metrics", timeout_s=ASK_S) for edge in asked), return_exceptions=True
        )
        return {
            edge.name: answer["text"]
            for edge, answer in zip(asked, answers, strict=True)
            if not isinstance(answer, BaseException)
        }

    async def explain(self, asked: Value) -> Value:
        """One of them says what would become of a request. :raises LineLost: none is there."""
        for edge in self.serving:
            if edge.gateway and not edge.is_leaving:
                return await edge.line.ask("explain", asked, timeout_s=ASK_S)
        raise LineLost("no edge is attached")
