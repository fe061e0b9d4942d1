"""Verification keys of one issuer, and the port through which a verifier asks for them."""

from typing import Protocol


class Keys(Protocol):
    """The keys of one issuer. :ivar generation: rises whenever a key was replaced or went away."""

    generation: int

    def get(self, kid: str) -> "VerificationKey | None":
        """Look up only; never waits."""
        ...

    async def find(self, kid: str) -> "VerificationKey | None":
        """A key that `get` did not have: wait for the one fetch that is allowed now, if any is.

        :raises AuthorizerUnavailable: keys have never been had from this issuer.
        """
        ...


class VerificationKey:
    """One key, prepared once. To be written."""
