"""What a token costs: verifying one that was not seen before, beside PyJWT, and recognising one that was.

Both verify the same RS256 token (2048 bits) with a prepared key, and check issuer, audience and times; in turns,
so that a slow moment of the machine hits both. The cached figure is a whole `authorize` of a route with scopes.

    python benchmarks/jwt_verify.py [tokens per round]
"""

import asyncio
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.authorizers.jwt.verified_token import VerifiedToken
from gateway.exchange import ApiNames, Exchange
from gateway.issuers.events import IssuerSnapshot
from gateway.path import canonical_path
from gateway.request import HttpRequest
from gateway.request_clock import RequestClock
from gateway.route_key import RouteKey
from gateway.stage import Stage
from kit.jwt.algorithms import RS_FAMILY
from kit.jwt.jwk import VerificationKey
from kit.jwt.keys import KeySet
from kit.jwt.verifier import Verifier

ROUNDS = 9
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Main00001"
CLIENT = "1example23456789"
SPEC = JwtSpec(issuer=IssuerSpec(issuer=ISSUER), audience=frozenset({CLIENT}))


class Keys:
    """One issuer's keys, already here."""

    def __init__(self, known: KeySet) -> None:
        self.generation = 0
        self._known = known

    def get(self, kid: str) -> VerificationKey | None:
        return self._known.get(kid)

    def peek(self, kid: str) -> VerificationKey | None:
        return self._known.get(kid)

    def snapshot(self) -> IssuerSnapshot:
        return IssuerSnapshot(
            issuer=ISSUER, kids=self._known.kids, state="fresh", age_s=0.0, last_error=None, fetches={}
        )

    async def find(self, kid: str) -> VerificationKey | None:
        return self._known.get(kid)


def claims() -> dict[str, Any]:
    """As of an access token of a user pool."""
    now_s = int(time.time())
    return {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cognito:groups": ["admin", "poweruser"],
        "iss": ISSUER,
        "version": 2,
        "aud": CLIENT,
        "event_id": "64f513be-32db-42b0-b78e-b02127b4f463",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin notes/read notes/write",
        "auth_time": now_s,
        "exp": now_s + 3600,
        "iat": now_s,
        "jti": "bbbbbbbb-cccc-dddd-eeee-ffffffffffff",
        "username": "my-test-user",
    }


def key_set(private: rsa.RSAPrivateKey) -> KeySet:
    numbers = private.public_key().public_numbers()
    n = urlsafe_b64encode(numbers.n.to_bytes(256, "big")).rstrip(b"=").decode()
    jwk = f'{{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","e":"AQAB","n":"{n}"}}'
    return KeySet.load(f'{{"keys":[{jwk}]}}'.encode(), SPEC.issuer.algorithms)


def exchange(token: str) -> Exchange:
    scope = {
        "method": "GET",
        "raw_path": b"/notes",
        "query_string": b"",
        "headers": [(b"host", b"api.example.com"), (b"authorization", b"Bearer " + token.encode())],
    }
    return Exchange(
        names=ApiNames(account_id="000000000000", api_id="local", region="us-east-1"),
        request=HttpRequest.from_scope(scope, RequestClock().now(), bytes),
        path=canonical_path(b"/notes"),
        raw_query="",
        stage=Stage(),
        key=RouteKey.parse("GET /notes"),
        parameters={},
    )


def cpu_us(run: Callable[[], object], count: int) -> float:
    """Microseconds of CPU a call."""
    started = time.process_time_ns()
    for _ in range(count):
        run()
    return (time.process_time_ns() - started) / 1000 / count


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(claims(), private, "RS256", headers={"kid": "k1"})
    known = key_set(private)
    verifier, public = Verifier(RS_FAMILY, SPEC.rules()), private.public_key()
    plain = jwt.PyJWT(options={"require": ["exp"]})

    def ours() -> object:
        read, kid = verifier.read(token)
        found = verifier.open(read, known.get(kid))
        return VerifiedToken.of(found, verifier.check(found, time.time()))

    def theirs() -> object:
        return plain.decode(token, public, algorithms=["RS256"], audience=CLIENT, issuer=ISSUER)

    gate = JwtAuthorizer(SPEC, Keys(known)).for_route(("notes/read",))
    request = exchange(token)

    async def recognise() -> float:
        await gate.authorize(request)
        started = time.process_time_ns()
        for _ in range(count * 10):
            await gate.authorize(request)
        return (time.process_time_ns() - started) / 1000 / (count * 10)

    ours_us, theirs_us, cached_us = [], [], []
    for _ in range(ROUNDS):
        ours_us.append(cpu_us(ours, count))
        theirs_us.append(cpu_us(theirs, count))
        cached_us.append(asyncio.run(recognise()))
    for name, fact in machine.facts().items():
        print(f"{name:>12}: {fact}")
    print(f"{'libraries':>12}: " + ", ".join(f"{n} {machine.package_version(n)}" for n in _LIBRARIES))
    print(f"\ntoken of {len(token)} characters, RS256-2048, best of {ROUNDS} rounds of {count}, in turns")
    _print("verified here", min(ours_us))
    _print("verified by PyJWT", min(theirs_us))
    print(f"{'recognised':>18}: {min(cached_us):6.2f} us an authorize")
    print(f"against PyJWT: {min(theirs_us) / min(ours_us):.2f} times its rate")


_LIBRARIES = ("joserfc", "cryptography", "PyJWT")


def _print(name: str, spent_us: float) -> None:
    print(f"{name:>18}: {spent_us:6.1f} us, {1_000_000 / spent_us:,.0f} a second")


if __name__ == "__main__":
    main()
