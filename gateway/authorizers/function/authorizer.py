"""The Lambda authorizer."""

from gateway.authorizers.function.spec import FunctionAuthorizerSpec
from gateway.exchange import Authorization, Exchange
from gateway.locator import Locator


class FunctionAuthorizer:
    def __init__(self, spec: FunctionAuthorizerSpec) -> None:
        self.spec = spec

    def for_route(self, locator: Locator) -> "FunctionGate":
        return FunctionGate(self, locator)


class FunctionGate:
    def __init__(self, authorizer: FunctionAuthorizer, locator: Locator) -> None:
        self._authorizer = authorizer

    async def authorize(self, exchange: Exchange) -> Authorization:
        raise RuntimeError("to be written")
