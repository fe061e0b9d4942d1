"""Selection expressions: where in a request a value is. Parsed when a deployment is built, resolved per request.

``$request.header.NAME`` (any case), ``$request.querystring.NAME`` (exact), ``$context.NAME``,
``$stageVariables.NAME``. Source: API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda
authorizers".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from gateway.exchange import Exchange
from gateway.fields import is_withheld
from gateway.query import parse_query

Kind = Literal["header", "querystring", "context", "stageVariables"]
_EXPRESSION = re.compile(
    r"\$(?:request\.(?P<part>header|querystring)|(?P<scope>context|stageVariables))\.(?P<name>.+)", re.DOTALL
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")

# $context.NAME of what is known before an authorizer has run.
_CONTEXT: dict[str, Callable[[Exchange], str]] = {
    "accountId": lambda exchange: exchange.names.account_id,
    "apiId": lambda exchange: exchange.names.api_id,
    "domainName": lambda exchange: exchange.request.host,
    "domainPrefix": lambda exchange: exchange.request.host.partition(".")[0],
    "httpMethod": lambda exchange: exchange.request.method,
    "http.method": lambda exchange: exchange.request.method,
    "http.path": lambda exchange: exchange.path.text,
    "identity.sourceIp": lambda exchange: exchange.request.source_ip,
    "identity.userAgent": lambda exchange: exchange.request.fields.get("user-agent") or "",
    "path": lambda exchange: exchange.path.text,
    "protocol": lambda exchange: "HTTP/1.1",  # noqa: ARG005
    "requestId": lambda exchange: exchange.request.request_id,
    "routeKey": lambda exchange: exchange.key.text,
    "stage": lambda exchange: exchange.stage.name,
}
CONTEXT_NAMES: tuple[str, ...] = tuple(_CONTEXT)
# What many callers have in common, whoever they are: it is never an identity by itself.
_COMMON_CONTEXT = frozenset(_CONTEXT) - {"identity.sourceIp", "requestId"}
_COMMON_HEADERS = frozenset({"host", "user-agent"})


class SelectionError(ValueError):
    """The text is no selection expression; the message says why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """:param text: as written; :param name: of a header in lower case."""

    text: str
    kind: Kind
    name: str

    @classmethod
    def parse(cls, text: str) -> "Selection":
        """:raises SelectionError: no such place in a request."""
        found = _EXPRESSION.fullmatch(text)
        if found is None:
            raise SelectionError(
                "it is not $request.header.NAME, $request.querystring.NAME, $context.NAME or $stageVariables.NAME"
            )
        kind = cast(Kind, found["part"] or found["scope"])
        name: str = found["name"]
        if kind == "header":
            if not _HEADER_NAME.fullmatch(name) or "_" in name:
                raise SelectionError(f"no header can be called {name[:60]!r} here")
            name = name.lower()
            if is_withheld(name):
                raise SelectionError(
                    f"{name} is the connection's or the gateway's own: no value of a client's is seen"
                )
        elif kind == "context" and name not in _CONTEXT:
            raise SelectionError(f"there is no $context.{name[:60]}; there are {', '.join(CONTEXT_NAMES)}")
        return cls(text, kind, name)

    @property
    def is_identity(self) -> bool:
        """Whether its value can tell callers apart."""
        if self.kind == "header":
            return self.name not in _COMMON_HEADERS
        return self.kind == "querystring" or (self.kind == "context" and self.name not in _COMMON_CONTEXT)

    def resolve(self, exchange: Exchange) -> str | None:
        """The value, None when there is none. Several values of one name are joined with ``,``.

        :raises BadRequest: the query has too many pairs.
        """
        values = self.resolve_all(exchange)
        return ",".join(values) if values else None

    def resolve_all(self, exchange: Exchange) -> list[str]:
        """Every value, in order: for those who must know that there are two.

        :raises BadRequest: the query has too many pairs.
        """
        if self.kind == "header":
            fields = exchange.request.fields
            repeated = fields.repeated.get(self.name)
            if repeated is not None:
                return repeated
            value = fields.joined.get(self.name)
        elif self.kind == "querystring":
            return [value for name, value in parse_query(exchange.raw_query) if name == self.name]
        elif self.kind == "context":
            value = _CONTEXT[self.name](exchange)
        else:
            value = exchange.stage.variables.get(self.name)
        return [] if value is None else [value]
