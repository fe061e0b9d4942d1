"""What the admin listener does when it is told to: signed POSTs, because loopback is not authentication (P5).

A call is signed with the state's key pair for the service ``lockgate``. Its body is read only once all else about
the signature is good, and at most `MAX_BODY_BYTES` of it. Who called what, and what came of it, is said once.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from kit.sigv4 import SignatureError, SignedRequest, read_signature

SERVICE = "lockgate"
MAX_BODY_BYTES = 64 * 1024  # a few words; nobody sends a file here

log = logging.getLogger("lockgate.admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAnswer:
    """:param value: sent as JSON."""

    status: int
    value: Mapping[str, object]


# Any: whatever JSON object was sent; the action reads what it knows.
Action = Callable[[Mapping[str, Any]], Awaitable[ActionAnswer]]


class Actions:
    """:param actions: name, which is its path below ``/`` → what to do with the JSON object that was sent.
    :param secrets: access key id → secret, None if there is no such key.
    :param audit: told of each call that was let in: the action, who called, the status of its answer.
    """

    def __init__(
        self,
        actions: Mapping[str, Action],
        *,
        secrets: Callable[[str], str | None],
        region: str,
        audit: Callable[[str, str, int], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._actions = actions
        self._secrets = secrets
        self._region = region
        self._audit = audit
        self._now = now

    def __contains__(self, name: str) -> bool:
        return name in self._actions

    async def answer(self, name: str, request: Request, receive: Receive) -> ActionAnswer:
        """Run one action for whoever proves to have the key.

        :raises ClientDisconnect: the caller went away while it sent.
        """
        try:
            body, actor = await self._authenticated(request, receive)
            asked = _object(body)
        except SignatureError as error:
            return ActionAnswer(status=error.status, value={"code": error.code, "message": error.message})
        except _BadBody as error:
            return ActionAnswer(status=error.status, value={"message": str(error)})
        answer = await self._run(name, asked)
        self._audit(name, actor, answer.status)
        return answer

    async def _run(self, name: str, asked: Mapping[str, Any]) -> ActionAnswer:
        try:
            return await self._actions[name](asked)
        except Exception:
            log.exception("the admin action %s failed", name)
            return ActionAnswer(
                status=500, value={"message": "The server's log says what went wrong (lockgate.admin)."}
            )

    async def _authenticated(self, request: Request, receive: Receive) -> tuple[bytes, str]:
        raw_path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        signed = SignedRequest(
            method=request.method,
            raw_path=raw_path.partition(b"?")[0].decode("latin-1"),
            query=query.decode("latin-1"),
            headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.scope["headers"]],
        )
        presented = read_signature(
            signed, self._secrets, region=self._region, service=SERVICE, now=self._now()
        )
        body = await _read(receive)
        return body, presented.check(hashlib.sha256(body).hexdigest())


class _BadBody(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _BadBody(413, f"The body may have {MAX_BODY_BYTES} bytes.")
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _object(body: bytes) -> Mapping[str, Any]:
    """:raises _BadBody: what was sent is no JSON object; nothing at all is an empty one."""
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise _BadBody(400, f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise _BadBody(400, "The body must be a JSON object.")
    return value
