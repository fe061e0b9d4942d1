"""Reloads under load: many connections call all the time while the routes file changes under a real server.

Each answer tells which generation of the file it is of, so that it can be judged: it must be one that was current
at some moment between the request's sending and its answer. Answers of broken files must never be seen.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from tests.support.plain_http import Address, act
from tests.support.routes_file import write_routes

CONNECTIONS = 64  # every second one is new for each request
BROKEN_EVERY = 10
AGED_EVERY = 5  # reloads after which the function `aged` is another revision
ANSWER_S = 15.0

# Both tell the generation that they run in and give the body back.
HANDLER = """
import json, os
def handler(event, context):
    told = os.environ.get("GENERATION") or event["stageVariables"]["generation"]
    return {"statusCode": 200, "body": json.dumps({"generation": int(told), "body": event["body"]})}
"""


def write_generation(folder: Path, number: int, *, broken: bool = False) -> Path:
    """The routes file of one generation: it changes a route, adds one and removes the one added before."""
    code = folder / "code"
    code.mkdir(exist_ok=True)
    if not (code / "app.py").exists():
        (code / "app.py").write_text(HANDLER)
    common = {"code": "code", "handler": "app.handler", "memory": 128}
    aged = number - number % AGED_EVERY
    routes: dict[str, Any] = {
        "POST /echo": {"public": True, "function": "echo"},
        "POST /aged": {"public": True, "function": "aged"},
        "GET /state": {"public": True, "respond": {"body": str(number)}},
        f"GET /only/{number}": {"public": True, "respond": {"body": str(number)}},
    }
    if broken:
        routes["GET /broken"] = {"public": True, "function": "nobody"}
    return write_routes(
        folder,
        functions={"echo": common, "aged": {**common, "environment": {"GENERATION": str(aged)}}},
        routes=routes,
        stages={"$default": {"variables": {"generation": str(number)}}},
        server={"limits": {"environments": 6}},
    )


@dataclass
class History:
    """When each generation may have been current: from when its reload was asked for until its successor was told."""

    begun: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)

    def was_current(self, number: int, sent: float, answered: float) -> bool:
        return number in self.begun and answered >= self.begun[number] and sent <= self.ended.get(number, inf)


@dataclass
class Load:
    """What the connections saw. `failures` has a sentence for each wrong answer."""

    address: Address
    history: History
    latencies_s: list[float] = field(default_factory=list)
    closed: int = 0  # connections that the server said it would close
    failures: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def answers(self) -> int:
        return len(self.latencies_s)

    async def run(self) -> None:
        """Call until `stopped`."""
        async with asyncio.TaskGroup() as group:
            for number in range(CONNECTIONS):
                keeps = number % 2 == 0
                group.create_task(self._call_on(number, keeps=keeps), name=f"connection {number}")

    async def _call_on(self, number: int, *, keeps: bool) -> None:
        turn = 0
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self.stopped:
            turn += 1
            sent = time.monotonic()
            try:
                async with asyncio.timeout(ANSWER_S):
                    if connection is None:
                        connection = await asyncio.open_connection(*self.address)
                    problem, stays = await self._one(*connection, f"{number}-{turn}", turn, sent)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
                problem = f"after {time.monotonic() - sent:.3f} s: {error!r}"
                keeps_now = False
            else:
                keeps_now = keeps and stays
                self.closed += not stays
            self.latencies_s.append(time.monotonic() - sent)
            if problem:
                self.failures.append(f"connection {number}, turn {turn}: {problem}")
            if not keeps_now and connection is not None:
                await _close(connection[1])
                connection = None
        if connection is not None:
            await _close(connection[1])

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: str, turn: int, sent: float
    ) -> tuple[str, bool]:
        """One request. :returns: what is wrong with its answer, or ""; whether the connection may be used again."""
        method, path = ("GET", "/state") if turn % 4 == 0 else ("POST", "/aged" if turn % 8 == 1 else "/echo")
        body = word.encode() if method == "POST" else b""
        writer.write(
            f"{method} {path} HTTP/1.1\r\nhost: api\r\ncontent-type: text/plain\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        content = await reader.readexactly(length)
        answered = time.monotonic()
        stays = b"connection: close" not in head.lower()
        if status != 200:
            return f"{path} answered {status} {content[:200]!r}", stays
        if method == "GET":
            return self._judge(path, int(content), sent, answered), stays
        told = json.loads(content)
        if told["body"] != word:
            return f"{path} gave back {told['body']!r} for {word!r}", stays
        return self._judge(path, told["generation"], sent, answered), stays

    def _judge(self, path: str, number: int, sent: float, answered: float) -> str:
        numbers = range(number, number + AGED_EVERY) if path == "/aged" else (number,)
        if any(self.history.was_current(each, sent, answered) for each in numbers):
            return ""
        return f"{path} answered of generation {number}, which was not current then"


async def reload_often(
    folder: Path, endpoints: Mapping[str, Any], history: History, *, times: int, pause_s: float = 0.0
) -> list[float]:
    """Change the file and reload, *times* times. :returns: what each applied reload took, seconds."""
    took = []
    current = 0
    for number in range(1, times + 1):
        broken = number % BROKEN_EVERY == 0
        write_generation(folder, number, broken=broken)
        asked = time.monotonic()
        if not broken:
            history.begun[number] = asked
        reply = await asyncio.to_thread(act, endpoints, "reload")
        answer = reply.json()
        assert (reply.status, answer["outcome"]) == ((409, "refused") if broken else (200, "reloaded")), (
            answer
        )
        if not broken:
            took.append(time.monotonic() - asked)
            history.ended[current] = time.monotonic()
            current = number
            routes = answer["changes"]["routes"]
            assert [len(routes[verb]) for verb in ("added", "removed")] == [1, 1], routes
            assert "GET /state" in routes["changed"], routes
        if pause_s:
            await asyncio.sleep(pause_s)  # so that a benchmark's reloads are spread over its load
    return took


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
