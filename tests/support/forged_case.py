"""A token that nobody may get in with, beside a twin that differs in one thing and is let in.

    authorize(case.token) → case.reason; authorize(case.twin) → accepted

Whatever needs the issuer's signature has it: what is tested is the rule, not the signature.
"""

import json
from dataclasses import dataclass
from typing import Any

from gateway.errors import DenialReason
from tests.support.jwt_world import FakeKeys, b64, ec_key, rsa_key


@dataclass(frozen=True)
class Case:
    """:param scopes: of the route."""

    id: str
    token: str
    twin: str
    reason: DenialReason
    scopes: tuple[str, ...] = ()


def short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:32]}…{len(text)}"


def issuer_keys() -> FakeKeys:
    """What the attacked gateway knows: two good keys, one without ``alg``, and entries that it must not use."""
    return FakeKeys(
        rsa_key("a"),
        rsa_key("b"),
        rsa_key("open").jwk(alg=None),
        rsa_key("weak", 1024),
        rsa_key("enc").jwk(use="enc"),
        rsa_key("twice"),
        rsa_key("twice").jwk(),
        ec_key("curve"),
        {"kty": "oct", "kid": "secret", "alg": "HS256", "k": b64(b"0" * 32)},
    )
