"""Issuers, keys and tokens for tests. Signs with `cryptography` alone, so that any bytes can be signed.

key = rsa_key("a")                      # once per process and name
token = make_token(key, claims(sub="u"))
keys = FakeKeys(key)                    # what a gateway knows of the issuer
authorizer = JwtAuthorizer(spec(), keys)
"""

import functools
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.errors import AuthorizerUnavailable
from gateway.exchange import ApiNames, Exchange
from gateway.issuers.events import IssuerSnapshot
from gateway.path import canonical_path
from gateway.request import HttpRequest
from gateway.request_clock import Moment
from gateway.route_key import RouteKey
from gateway.stage import Stage
from kit.jwt.algorithms import RS_FAMILY
from kit.jwt.keys import KeySet, VerificationKey

ISSUER = "https://issuer.example.com/pool"
AUDIENCE = "client-1"
NOW_S = 1_783_711_145  # what gateway_harness.build takes as the time
LIFE_S = 3600

_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
_COORDINATE_BYTES = {"P-256": 32, "P-384": 48, "P-521": 66}


@dataclass(frozen=True)
class RsaKey:
    """A key pair of an issuer."""

    kid: str
    private: rsa.RSAPrivateKey
    algorithm: str = "RS256"

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public JWK; a change to None leaves the member out."""
        numbers = self.private.public_key().public_numbers()
        return _changed(
            {
                "kty": "RSA",
                "kid": self.kid,
                "use": "sig",
                "alg": self.algorithm,
                "n": b64_int(numbers.n),
                "e": b64_int(numbers.e),
            },
            changes,
        )

    def sign(self, data: bytes, algorithm: str = "") -> bytes:
        algorithm = algorithm or self.algorithm
        digest = _HASHES[algorithm[2:]]()
        if algorithm.startswith("PS"):
            pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
            return self.private.sign(data, pss, digest)
        return self.private.sign(data, padding.PKCS1v15(), digest)


@dataclass(frozen=True)
class EcKey:
    """A key pair of an issuer."""

    kid: str
    private: ec.EllipticCurvePrivateKey
    curve: str = "P-256"
    algorithm: str = "ES256"

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public JWK; a change to None leaves the member out."""
        numbers = self.private.public_key().public_numbers()
        size = _COORDINATE_BYTES[self.curve]
        return _changed(
            {
                "kty": "EC",
                "kid": self.kid,
                "use": "sig",
                "alg": self.algorithm,
                "crv": self.curve,
                "x": b64(numbers.x.to_bytes(size, "big")),
                "y": b64(numbers.y.to_bytes(size, "big")),
            },
            changes,
        )

    def sign(self, data: bytes, algorithm: str = "") -> bytes:
        algorithm = algorithm or self.algorithm
        size = _COORDINATE_BYTES[self.curve]
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(_HASHES[algorithm[2:]]())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


SigningKey = RsaKey | EcKey


def rsa_key(kid: str = "a", bits: int = 2048, algorithm: str = "RS256") -> RsaKey:
    """One RSA key pair per process and arguments: making one takes 50 ms and more."""
    return _rsa_key(kid, bits, algorithm)


def ec_key(kid: str = "e", curve: str = "P-256") -> EcKey:
    """One key pair per process and arguments."""
    return _ec_key(kid, curve)


@functools.cache
def _rsa_key(kid: str, bits: int, algorithm: str) -> RsaKey:
    return RsaKey(kid, rsa.generate_private_key(public_exponent=65537, key_size=bits), algorithm)


@functools.cache
def _ec_key(kid: str, curve: str) -> EcKey:
    algorithm = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[curve]
    return EcKey(kid, ec.generate_private_key(_CURVES[curve]()), curve, algorithm)


def jwks(*keys: SigningKey | Mapping[str, Any]) -> bytes:
    """The JWK Set document of key pairs, or of JWKs as they are."""
    entries = [key.jwk() if isinstance(key, RsaKey | EcKey) else key for key in keys]
    return json.dumps({"keys": entries}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token; a change to None leaves the claim out."""
    base = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "iat": NOW_S - 10,
        "exp": NOW_S + LIFE_S,
        "scope": "notes/read notes/write",
    }
    return _changed(base, changes)


def header(key: SigningKey, **changes: Any) -> dict[str, Any]:
    """The JOSE header of a good token; a change to None leaves the member out."""
    return _changed({"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}, changes)


def make_token(
    key: SigningKey | None = None,
    payload: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
    *,
    sign_as: str = "",
) -> str:
    """A signed token. :param sign_as: the algorithm to sign with, when it is not the key's."""
    key = key or rsa_key()
    return compact(
        key,
        json.dumps(head if head is not None else header(key)).encode(),
        json.dumps(payload if payload is not None else claims()).encode(),
        sign_as=sign_as,
    )


def compact(key: SigningKey, head: bytes, payload: bytes, *, sign_as: str = "") -> str:
    """Sign any bytes as header and payload."""
    signing_input = f"{b64(head)}.{b64(payload)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode(), sign_as))}"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def request_with(*authorization: str, query: str = "", at_s: float = NOW_S, **headers: str) -> Exchange:
    """What an authorizer is asked about.

    :param authorization: values of so many Authorization headers.
    :param headers: other ones; ``_`` stands for ``-``.
    """
    fields = [(b"authorization", value.encode("latin-1")) for value in authorization]
    fields += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    request = HttpRequest.from_scope(
        {
            "method": "GET",
            "raw_path": b"/notes",
            "query_string": query.encode(),
            "headers": [(b"host", b"api.example.com"), *fields],
            "client": ("192.0.2.7", 50000),
        },
        Moment(int(at_s * 1000), ""),
        bytes,
    )
    return Exchange(
        names=ApiNames(account_id="123456789012", api_id="local", region="us-east-1"),
        request=request,
        path=canonical_path(b"/notes"),
        raw_query=query,
        stage=Stage(),
        key=RouteKey.parse("GET /notes"),
        parameters={},
    )


def spec(
    *,
    issuer: str = ISSUER,
    algorithms: tuple[str, ...] = RS_FAMILY,
    audience: Iterable[str] = (AUDIENCE,),
    **more: Any,
) -> JwtSpec:
    """:param more: other members of `JwtSpec`."""
    return JwtSpec(
        issuer=IssuerSpec(issuer=issuer, algorithms=algorithms), audience=frozenset(audience), **more
    )


class FakeKeys:
    """The `Keys` port without an issuer: what is known now, and what the next fetch would bring.

    :ivar found: the kids that were waited for, in order.
    """

    def __init__(
        self,
        *known: SigningKey | Mapping[str, Any],
        later: Iterable[SigningKey | Mapping[str, Any]] = (),
        algorithms: tuple[str, ...] = RS_FAMILY,
        unavailable: bool = False,
    ) -> None:
        self.generation = 0
        self.found: list[str] = []
        self.unavailable = unavailable
        self._algorithms = algorithms
        self.keys = KeySet.load(jwks(*known), algorithms)
        self._known = known
        self._later = tuple(later)

    def get(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)

    def peek(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)

    def snapshot(self) -> IssuerSnapshot:
        return IssuerSnapshot(
            issuer=ISSUER,
            kids=self.keys.kids,
            state="fresh" if self.keys else "none",
            age_s=60.0 if self.keys else None,
            last_error=None,
            fetches={},
        )

    async def find(self, kid: str) -> VerificationKey | None:
        """The fetch brings the later keys, whatever was asked for."""
        self.found.append(kid)
        if self.unavailable:
            raise AuthorizerUnavailable("the issuer has never given its keys")
        if self._later:
            self.replace(*self._known, *self._later)
            self._later = ()
        return self.keys.get(kid)

    def replace(self, *known: SigningKey | Mapping[str, Any]) -> None:
        """The issuer publishes other keys; the generation rises as the port says."""
        self._known = known
        before, self.keys = self.keys, KeySet.load(jwks(*known), self._algorithms)
        if not self.keys.keeps(before):
            self.generation += 1


def _changed(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not None}
