"""The port through which an authorizer asks for the keys of its issuer."""

from typing import Protocol

from gateway.issuers.events import IssuerSnapshot
from kit.jwt.keys import VerificationKey


class Keys(Protocol):
    """The keys of one issuer."""

    @property
    def generation(self) -> int:
        """Rises whenever a key was replaced or went away."""
        ...

    def get(self, kid: str) -> VerificationKey | None:
        """Look up only; never waits."""
        ...

    def peek(self, kid: str) -> VerificationKey | None:
        """The same for who only wants to know: nothing begins because of it."""
        ...

    def snapshot(self) -> IssuerSnapshot:
        """What is known of the issuer now."""
        ...

    async def find(self, kid: str) -> VerificationKey | None:
        """A key that `get` did not have: wait for the one fetch that is allowed now, if any is.

        :raises AuthorizerUnavailable: keys have never been had from this issuer.
        """
        ...
