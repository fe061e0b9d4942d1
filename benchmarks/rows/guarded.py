"""The server of the rows about authorized calls: one function and one answer of its own, each open and behind a JWT.

All that a request can cost is on: an authorizer with scopes, CORS, a claim in the access log, metrics, function logs.
"""

import json
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.issuer import CLIENT, SCOPE, LoopbackIssuer, bearer
from benchmarks.load import Rotation, Target
from benchmarks.lockgate_server import BODY, RUNTIME, LockgateServer, write_handler
from benchmarks.rows.context import Context

ENVIRONMENTS = 4
USERS = 200  # callers within the minutes for which a verified token is remembered
_RESPOND = {"status": 200, "headers": {"content-type": "application/json"}, "body": BODY.decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """:param tokens: ``Authorization`` of `USERS` callers, in turn."""

    server: LockgateServer
    issuer: LoopbackIssuer
    tokens: Rotation

    def target(self, path: str, *, sends_token: bool = True) -> Target:
        rotation = self.tokens if sends_token else None
        return Target(url=self.server.url(path), body=BODY, rotation=rotation)


def guarded_server(context: Context, stack: ExitStack) -> Guarded:
    """Paths: ``/open`` and ``/guarded`` run the function, ``/open/respond`` and ``/guarded/respond`` do not."""
    issuer = stack.enter_context(LoopbackIssuer())
    write_handler(context.folder / "warm")
    server = stack.enter_context(LockgateServer(context.folder, routes(issuer.url), name="guarded"))
    tokens = Rotation(header="Authorization", values=bearer(issuer.tokens(USERS)))
    return Guarded(server=server, issuer=issuer, tokens=tokens)


def routes(issuer: str) -> str:
    door = {"auth": "users", "scopes": [SCOPE, "notes/write"]}
    return json.dumps(
        {
            "version": 1,
            "server": {"limits": {"environments": ENVIRONMENTS}, "access_log": {"claims": ["sub"]}},
            "cors": {
                "allow_origins": ["https://app.example.com"],
                "allow_methods": ["GET", "POST"],
                "allow_headers": ["authorization", "content-type"],
            },
            "authorizers": {"users": {"type": "jwt", "issuer": issuer, "audience": [CLIENT]}},
            "functions": {"warm": {"code": "warm", "handler": "app.handler", "runtime": RUNTIME}},
            "routes": {
                "GET /open": {"function": "warm", "public": True},
                "GET /guarded": {"function": "warm", **door},
                "GET /open/respond": {"respond": _RESPOND, "public": True},
                "GET /guarded/respond": {"respond": _RESPOND, **door},
            },
        }
    )
