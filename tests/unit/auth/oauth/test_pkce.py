"""What proves that who redeems a code has asked for it."""

import hashlib
from base64 import urlsafe_b64encode

import pytest

from auth.oauth.pkce import proves
from tests.support.oauth_clients import CHALLENGE, VERIFIER


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def test_vector_of_the_rfc() -> None:
    """A3: RFC 7636, appendix B; the twin of whatever is refused below."""
    assert proves(VERIFIER, CHALLENGE)


@pytest.mark.parametrize(
    "verifier", ["v" * 42, "v" * 129, "v" * 43 + "+", "v" * 43 + "é", "v" * 43 + "\n", "", "v" * 42 + " "]
)
def test_verifier_has_the_form_of_one(verifier: str) -> None:
    """A3: though its hash is the challenge; a guess of few characters proves little."""
    assert not proves(verifier, challenge_of(verifier))


@pytest.mark.parametrize("verifier", ["v" * 43, "v" * 128, "-._~" * 11])
def test_shortest_and_longest(verifier: str) -> None:
    """A3: the twin."""
    assert proves(verifier, challenge_of(verifier))


def test_both_or_neither() -> None:
    """A4: the downgrade in both directions."""
    assert not proves(VERIFIER, "")
    assert not proves(None, CHALLENGE)
    assert proves(None, "")
