"""Tokens of a forged algorithm, secret, kid or key, as `forged_case.Case`."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.forged_case import Case, short
from tests.support.jwt_world import (
    RsaKey,
    b64,
    claims,
    ec_key,
    header,
    make_token,
    rsa_key,
)

CYRILLIC_O, LONG_S = "\u043e", "\u017f"


def forged_keys() -> list[Case]:
    """All of them; ids are unique and the same in every process."""
    return [case for maker in (_algorithms, _secrets, _kids, _own_keys) for case in maker()]


def _algorithms() -> Iterator[Case]:
    good = make_token()
    payload, signature = good.split(".")[1:]
    none_like = ("none", "None", "NONE", "nOnE", "none ", " none", f"n{CYRILLIC_O}ne", "none\0", "null", "")
    for name in none_like:
        head = b64(json.dumps(header(rsa_key(), alg=name)).encode())
        yield Case(f"alg={name!r}, unsigned", f"{head}.{payload}.", good, "token_malformed")
        yield Case(f"alg={name!r}, any signature", f"{head}.{payload}.AA", good, "algorithm_refused")
        yield Case(
            f"alg={name!r}, another's signature", f"{head}.{payload}.{signature}", good, "algorithm_refused"
        )
    not_text = (None, 0, True, [], {}, ["RS256"], {"RS256": 1})
    spelled = (
        "rs256",
        "Rs256",
        "RS256 ",
        "RS256\0",
        f"R{LONG_S}256",
        "RS-256",
        "RS512256",
        "RSA-OAEP",
        "RSA1_5",
        "dir",
    )
    others = (
        "EdDSA",
        "Ed25519",
        "ES256K",
        "RS1",
        "A128KW",
        "HS256",
        "HS384",
        "HS512",
        "ES256",
        "ES384",
        "ES512",
    )
    for value in (*not_text, *spelled, *others):
        head = {**header(rsa_key()), "alg": value}
        yield Case(f"alg={short(value)}, signed as RS256", make_token(head=head), good, "algorithm_refused")
    missing = make_token(head=header(rsa_key(), alg=None))
    yield Case("alg missing", missing, good, "algorithm_refused")
    for name in ("PS256", "PS384", "PS512", "RS384", "RS512"):
        token = make_token(head=header(rsa_key(), alg=name), sign_as=name)
        yield Case(f"{name} with a key for RS256", token, good, "algorithm_refused")
    key = rsa_key("open")
    for name in ("PS256", "PS512"):
        token = make_token(key, head=header(key, alg=name), sign_as=name)
        twin = make_token(key, head=header(key, alg="RS512"), sign_as="RS512")
        yield Case(f"{name} with a key without alg", token, twin, "algorithm_refused")
    token = make_token(ec_key("curve"))
    yield Case("ES256 of the issuer, who is configured for RS", token, good, "algorithm_refused")


def _secrets() -> Iterator[Case]:
    """The public key as the secret of an HMAC (CVE-2016-5431 and its many heirs)."""
    public = rsa_key().private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    jwk = rsa_key().jwk()
    secrets = {
        "PEM": pem,
        "PEM without its last newline": pem.rstrip(),
        "PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "PEM without its first line": pem.partition(b"\n")[2],
        "PKCS1 PEM": pkcs1,
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "PKCS1 DER": public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "JWK": json.dumps(jwk).encode(),
        "JWK, compact": json.dumps(jwk, separators=(",", ":")).encode(),
        "JWK set": json.dumps({"keys": [jwk]}).encode(),
        "n": jwk["n"].encode(),
        "kid": b"a",
        "nothing": b"",
        "a published secret": b"0" * 32,
    }
    for size in ("256", "384", "512"):
        for name, secret in secrets.items():
            signing_input = f"{b64(json.dumps(header(rsa_key(), alg='HS' + size)).encode())}.{_payload()}"
            mac = hmac.new(secret, signing_input.encode(), getattr(hashlib, f"sha{size}")).digest()
            token = f"{signing_input}.{b64(mac)}"
            yield Case(f"HS{size} with {name} as secret", token, make_token(), "algorithm_refused")
    head = {**header(rsa_key(), alg="HS256"), "kid": "secret"}
    yield Case("HS256 with kid of an oct key", make_token(head=head), make_token(), "algorithm_refused")


def _payload() -> str:
    return b64(json.dumps(claims()).encode())


def _kids() -> Iterator[Case]:
    good = make_token()
    strange = (
        "", "A", "a ", " a", "a\0", "a\n", "\u0430", "*", "%61", "a,b", "a/../a", "./a", "../../../../dev/null",
        "/dev/null",        "file:///dev/null", "https://attacker.example/a", "a' OR '1'='1", "' UNION SELECT 'x",
        "|id", "$(id)", "${a}", "{{a}}", "0", "__class__", "\u202ea", "k" * 256,
    )  # fmt: skip
    for kid in strange:
        token = make_token(head=header(rsa_key(), kid=kid))
        yield Case(f"kid={short(kid)}", token, good, "key_unknown")
    for kid in (None, 0, 1, True, ["a"], {"a": 1}, {}, "k" * 257, "k" * 2000):
        token = make_token(head={**header(rsa_key()), "kid": kid})
        yield Case(f"kid={short(kid)}", token, good, "token_malformed")
    yield Case("kid missing", make_token(head=header(rsa_key(), kid=None)), good, "key_unknown")
    crossed = make_token(rsa_key("a"), head=header(rsa_key("a"), kid="b"))
    yield Case("kid of another key of the issuer", crossed, make_token(rsa_key("b")), "signature_invalid")
    for key in (rsa_key("weak", 1024), rsa_key("enc"), rsa_key("twice"), RsaKey("curve", rsa_key().private)):
        yield Case(f"kid of the unusable key {key.kid}", make_token(key), good, "key_unknown")


def _own_keys() -> Iterator[Case]:
    """A key that the token brings along (CVE-2018-0114, CVE-2026-27962). The twins bring it too, unused."""
    own = rsa_key("own")
    brought: dict[str, Any] = {
        "jwk": own.jwk(),
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/cert.pem",
        "x5c": [b64(b"not looked at")],
        "x5t": b64(b"0" * 20),
        "x5t#S256": b64(b"0" * 32),
        "keys": [own.jwk()],
    }
    for name, value in brought.items():
        twin = make_token(head={**header(rsa_key()), name: value})
        as_a = make_token(own, head={**header(own, kid="a"), name: value})
        yield Case(f"{name} for the kid of a known key", as_a, twin, "signature_invalid")
        as_own = make_token(own, head={**header(own), name: value})
        yield Case(f"{name} for a kid of its own", as_own, twin, "key_unknown")
        unnamed = make_token(own, head={**header(own, kid=None), name: value})
        yield Case(f"{name} without kid", unnamed, twin, "key_unknown")
