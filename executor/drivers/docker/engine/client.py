"""The engine's hot verbs, asynchronous. Every call has a deadline; every failure is an `EngineFault`.

Pull, build and import are not here: they are slow, need progress, and belong to the Docker SDK.
Source: Docker Engine API reference, versions 1.41 to 1.51. State: a pool of connections for the short calls.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from executor.drivers.docker.engine.address import EngineAddress
from executor.drivers.docker.engine.attached import Attached
from executor.drivers.docker.engine.errors import (
    Conflict,
    EngineBusy,
    EngineError,
    EngineGone,
    NotFound,
    engine_error,
)
from kit.http_client import (
    ClientLimits,
    Duplex,
    HttpClient,
    HttpClientError,
    NoConnection,
    ResponseTimeout,
    TcpPeer,
    UnixPeer,
)

OLDEST_API, NEWEST_API = (1, 41), (1, 51)  # Docker 20.10 … 28; what is used here has not changed between
PING_TIMEOUT_S = 5.0  # it takes a millisecond
CALL_TIMEOUT_S = 10.0  # an inspect takes 1 ms, a create 20 ms; an engine that needs this long is in trouble
START_TIMEOUT_S = 20.0  # 150 ms alone, seconds beside many others on a small machine
REMOVE_TIMEOUT_S = 15.0
AT_ONCE = 16  # calls in flight
# Of creates, starts and removals: an engine serialises most of them anyway, and one that waits here for its turn
# does not spend its deadline.
SLOW_AT_ONCE = 8
_ANSWER_BYTES = 64 << 20  # a list of 10,000 containers

Json = dict[str, Any]
_JSON = (("content-type", "application/json"),)


class EngineVersion(NamedTuple):
    engine: str
    api: str
    arch: str
    runc: str


class EngineClient:
    """Use `open` first: it agrees on a version of the API."""

    def __init__(self, address: EngineAddress) -> None:
        self.address = address
        self._calls: HttpClient | None = None
        self._streams: HttpClient | None = None
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)
        self._prefix = ""

    async def open(self) -> EngineVersion:
        """:raises EngineFault: no engine, or one whose API is older than 1.41 (Docker 20.10)."""
        self._calls = HttpClient(_peer(self.address), ClientLimits(connections=AT_ONCE))
        # Answers that last must not take the places of short calls, however many there are.
        self._streams = HttpClient(_peer(self.address))
        found = await self.request("GET", "/version")
        newest = _version(found["ApiVersion"])
        if newest < OLDEST_API:
            raise EngineError(400, f"its API is {found['ApiVersion']}, and 1.41 (Docker 20.10) is needed")
        self._prefix = "/v{}.{}".format(*min(newest, NEWEST_API))
        runc = next((each["Version"] for each in found.get("Components", ()) if each["Name"] == "runc"), "")
        return EngineVersion(found["Version"], self._prefix[2:], found.get("Arch", ""), runc)

    async def close(self) -> None:
        for client in (self._calls, self._streams):
            if client is not None:
                await client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> Any:
        """One call; the parsed JSON of its answer, or None where it has none.

        :param query: values are text; `filters` is its JSON.
        :raises EngineFault:
        """
        assert self._calls is not None, "not open"
        target = self._target(path, query)
        headers, content = ((), b"") if body is None else (_JSON, orjson.dumps(body))
        try:
            answer = await self._calls.request(
                method, target, headers, content, timeout_s=timeout_s, limit_bytes=_ANSWER_BYTES
            )
        except HttpClientError as error:
            raise _fault(error) from error
        if answer.status >= 400:
            raise engine_error(answer.status, _message_of(answer.body))
        with suppress(orjson.JSONDecodeError):  # `OK` of a ping, the nothing of a 204
            return orjson.loads(answer.body)
        return None

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        text = f"?{urlencode(query)}" if query else ""
        return f"{self._prefix}{path}{text}"

    # --- the engine ------------------------------------------------------------------------------

    async def ping(self, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        await self.request("GET", "/_ping", timeout_s=timeout_s)

    async def ping_anew(self) -> None:
        """On a new connection: an engine that ends listens no more, and serves the old ones for a while."""
        client = HttpClient(_peer(self.address), ClientLimits(connections=1))
        try:
            answer = await client.request("GET", "/_ping", timeout_s=PING_TIMEOUT_S)
        except HttpClientError as error:
            raise _fault(error) from error
        finally:
            await client.close()
        if answer.status != HTTPStatus.OK:
            raise engine_error(answer.status, _message_of(answer.body))

    async def info(self) -> Json:
        return dict(await self.request("GET", "/info"))

    async def image(self, name: str) -> Json:
        """:raises NotFound: the engine has no such image."""
        return dict(await self.request("GET", f"/images/{quote(name, safe=':@')}/json"))

    async def events(self, *, label: str, since: str | None) -> AsyncIterator[bytes]:
        """Container events as JSON lines; an empty line first, when they have begun.

        :param since: Unix seconds, with a fraction; what happened since then comes first.
        :raises EngineFault: at the latest when they end.
        """
        assert self._streams is not None, "not open"
        filters = {"type": ["container"], "label": [label], "event": ["die", "oom", "destroy"]}
        query = {"filters": orjson.dumps(filters).decode()}
        if since is not None:
            query["since"] = since
        rest = b""
        try:
            async with self._streams.stream(
                "GET", self._target("/events", query), timeout_s=CALL_TIMEOUT_S
            ) as stream:
                if stream.status != 200:
                    raise engine_error(stream.status, _message_of(await stream.collect(_ANSWER_BYTES)))
                yield b""
                async for chunk in stream:
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except HttpClientError as error:
            raise _fault(error) from error
        raise EngineGone(f"{self.address}: the events ended")

    # --- containers ------------------------------------------------------------------------------

    async def create(self, name: str, config: Json) -> str:
        """:returns: the container's id. :raises NotFound: no such image. :raises Conflict: the name is taken."""
        async with self._slow:
            made = await self.request(
                "POST", "/containers/create", query={"name": name}, body=config, timeout_s=START_TIMEOUT_S
            )
        return str(made["Id"])

    async def start(self, container: str) -> None:
        async with self._slow:
            await self.request("POST", f"/containers/{container}/start", timeout_s=START_TIMEOUT_S)

    async def attach(self, container: str) -> Attached:
        """Its output from now on. Before `start`, so that nothing is missed."""
        target = self._target(
            f"/containers/{container}/attach", {"stream": "1", "stdout": "1", "stderr": "1"}
        )
        assert self._streams is not None, "not open"
        try:
            stream = await self._streams.attach("POST", target, timeout_s=CALL_TIMEOUT_S)
        except HttpClientError as error:
            raise _fault(error) from error
        if not isinstance(stream, Duplex):
            raise engine_error(stream.status, _message_of(stream.body))
        return Attached(stream)

    async def inspect(self, container: str) -> Json:
        """:raises NotFound:"""
        return dict(await self.request("GET", f"/containers/{container}/json"))

    async def containers(self, label: str) -> list[Json]:
        """All that carry the label (``name`` or ``name=value``), running or not."""
        filters = orjson.dumps({"label": [label]}).decode()
        found = await self.request("GET", "/containers/json", query={"all": "1", "filters": filters})
        return list(found or ())

    async def update(self, container: str, limits: Json) -> None:
        await self.request("POST", f"/containers/{container}/update", body=limits)

    async def kill(self, container: str, signal: str = "KILL") -> None:
        """Idempotent: one that does not run is as good as killed."""
        with suppress(NotFound, Conflict):
            await self.request("POST", f"/containers/{container}/kill", query={"signal": signal})

    async def pause(self, container: str) -> None:
        await self.request("POST", f"/containers/{container}/pause")

    async def unpause(self, container: str) -> None:
        await self.request("POST", f"/containers/{container}/unpause")

    async def wait(self, container: str, *, timeout_s: float = REMOVE_TIMEOUT_S) -> int:
        """:returns: its exit code, when it has ended."""
        ended = await self.request("POST", f"/containers/{container}/wait", timeout_s=timeout_s)
        return int(ended["StatusCode"])

    async def remove(self, container: str) -> None:
        """Kill and remove it with its anonymous volumes; return when it is gone. Idempotent."""
        query = {"force": "1", "v": "1"}
        path = f"/containers/{container}"
        try:
            async with self._slow:
                await self.request("DELETE", path, query=query, timeout_s=REMOVE_TIMEOUT_S)
        except NotFound:
            return
        except Conflict:  # somebody else removes it already
            await self._removed(container)

    async def _removed(self, container: str) -> None:
        with suppress(NotFound):
            await self.request(
                "POST",
                f"/containers/{container}/wait",
                query={"condition": "removed"},
                timeout_s=REMOVE_TIMEOUT_S,
            )


def _peer(address: EngineAddress) -> UnixPeer | TcpPeer:
    if address.socket is not None:
        return UnixPeer(path=address.socket)
    return TcpPeer(name=address.host, port=address.port)


def _fault(error: HttpClientError) -> EngineGone | EngineBusy:
    kind = EngineBusy if isinstance(error, ResponseTimeout | NoConnection) else EngineGone
    return kind(str(error))


def _message_of(body: bytes) -> str:
    """The engine's words in an error's body."""
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        return str(orjson.loads(body)["message"])
    return body.decode(errors="replace").strip()


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
