"""One request of `kit.http_client` under way, and its answer. Values; the connection fills them."""

import asyncio
from dataclasses import dataclass
from math import inf

from kit.http_client_body import BodyReader

Fields = list[tuple[bytes, bytes]]


class Response:
    """A whole answer; of a stream, its head (`body` is empty).

    :ivar fields: as they came, names in lower case.
    """

    __slots__ = ("body", "fields", "status")

    def __init__(self, status: int, fields: Fields, body: bytes = b"") -> None:
        self.status = status
        self.fields = fields
        self.body = body

    def __repr__(self) -> str:
        return f"<Response {self.status} {len(self.body)} bytes>"

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case; the values of one that came twice are joined (RFC 9110, section 5.3)."""
        found: dict[str, str] = {}
        for name, value in self.fields:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
        return found


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request under way.

    :param answer: resolved with the `Response`: whole, or its head where `reader` takes the body.
    :param limit_bytes: of the body, where no `reader` takes it.
    :param deadline: of the answer; of its head where `reader` takes the body. On the loop's clock, as `total` is.
    :param idle_s: how long a stream may stand still after its head. :param total: when it must have ended.
    :param grace_s: beyond `deadline`, from when a peer that greets has greeted.
    :ivar sending: the task that sends a body in parts.
    """

    answer: asyncio.Future[Response]
    deadline: float
    limit_bytes: int = 0
    is_head: bool = False
    may_switch: bool = False
    reader: BodyReader | None = None
    idle_s: float = inf
    total: float = inf
    grace_s: float = 0.0
    sending: "asyncio.Task[None] | None" = None
