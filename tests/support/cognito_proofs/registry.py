"""Proofs by action. A module here registers its own when it is imported."""

from collections.abc import Callable

from tests.support.cognito_trial import Trial

Proof = Callable[[Trial], None]
PROOFS: dict[str, Proof] = {}


def proves(action: str) -> Callable[[Proof], Proof]:
    def register(proof: Proof) -> Proof:
        assert action not in PROOFS, action
        PROOFS[action] = proof
        return proof

    return register
