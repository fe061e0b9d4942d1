"""What SRP knows of a password: no more than is needed to check a proof of it (B9)."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SrpVerifier:
    """:param user_id: which it was made for: part of what clients hash, so it stays as long as the password does.

    :param salt: 16 random bytes. :param verifier: sealed by the store: whoever reads it can guess fast.
    """

    user_id: str
    salt: bytes
    verifier: int = field(repr=False)


class SrpStore(Protocol):
    def get(self, pool_id: str, sub: str) -> SrpVerifier | None:
        """One query. None: there is none, or it is of an earlier password."""
        ...

    def put(self, pool_id: str, sub: str, verifier: SrpVerifier, hash: str) -> bool:
        """Of the password that is kept under *hash*. :returns: False: it was changed meanwhile; nothing was written."""
        ...
