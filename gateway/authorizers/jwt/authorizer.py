"""The JWT authorizer."""

from collections.abc import Sequence

from gateway.authorizers.jwt.keys import Keys
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.exchange import Authorization, Exchange


class JwtAuthorizer:
    def __init__(self, spec: JwtSpec, keys: Keys) -> None:
        self.spec = spec
        self.keys = keys

    def for_route(self, scopes: Sequence[str]) -> "JwtGate":
        return JwtGate(self, tuple(scopes))


class JwtGate:
    def __init__(self, authorizer: JwtAuthorizer, scopes: tuple[str, ...]) -> None:
        self._authorizer = authorizer

    async def authorize(self, exchange: Exchange) -> Authorization:
        raise RuntimeError("to be written")
