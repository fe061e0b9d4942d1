"""The keys of issuers."""

from gateway.authorizers.jwt.keys import VerificationKey
from gateway.authorizers.jwt.spec import IssuerSpec


class IssuerKeys:
    generation = 0

    def get(self, kid: str) -> VerificationKey | None:
        return None

    async def find(self, kid: str) -> VerificationKey | None:
        return None


class Issuers:
    def open(self, spec: IssuerSpec) -> IssuerKeys:
        return IssuerKeys()

    def close(self, spec: IssuerSpec) -> None: ...
