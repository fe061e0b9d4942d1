"""J2, J3: what of an issuer's key set is used, and why the rest is not."""

import json
import logging
from typing import Any

import pytest

from kit.jwt.algorithms import ES_FAMILY, PS_FAMILY, RS_FAMILY
from kit.jwt.key_policy import has_roca_fingerprint
from kit.jwt.keys import MAX_KEYS, KeySet, KeySetError, VerificationKey
from tests.support.jwt_world import b64, b64_int, ec_key, jwks, rsa_key

A, B = rsa_key("a"), rsa_key("b")
P256, P521 = ec_key("p256"), ec_key("p521", "P-521")
NUMBERS = A.private.public_key().public_numbers()
POINT = P256.private.public_key().public_numbers()
# (65537^n mod the primorial) × k + (65537^m mod it): the form of the faulty generator's primes.
PRIMORIAL = 1
for prime in (p for p in range(2, 168) if all(p % q for q in range(2, p))):
    PRIMORIAL *= prime
ROCA_MODULUS = pow(65537, 12345, PRIMORIAL) + PRIMORIAL * ((1 << 2047) // PRIMORIAL + 2)


# A JWK that is left out, what its reason says, and the same with one thing different, which is used.
RSA_CASES = [
    ("use enc", A.jwk(use="enc"), "use", A.jwk(use="sig")),
    ("use null", {**A.jwk(), "use": None}, "use", A.jwk(use=None)),
    ("use list", A.jwk(use=["sig"]), "use", A.jwk()),
    ("key_ops encrypt", A.jwk(key_ops=["encrypt"]), "key_ops", A.jwk(key_ops=["verify"])),
    ("key_ops empty", A.jwk(key_ops=[]), "key_ops", A.jwk(key_ops=["verify", "encrypt"])),
    ("key_ops text", A.jwk(key_ops="verify"), "key_ops", A.jwk(key_ops=["verify"])),
    ("alg of encryption", A.jwk(alg="RSA-OAEP"), "alg", A.jwk(alg="RS256")),
    ("alg of another family", A.jwk(alg="PS256"), "alg", A.jwk(alg="RS512")),
    ("alg HS256", A.jwk(alg="HS256"), "alg", A.jwk(alg=None)),
    ("alg null", {**A.jwk(), "alg": None}, "alg", A.jwk(alg=None)),
    ("alg list", A.jwk(alg=["RS256"]), "alg", A.jwk(alg="RS256")),
    ("kty oct", A.jwk(kty="oct"), "kty", A.jwk(kty="RSA")),
    ("kty EC", A.jwk(kty="EC"), "kty", A.jwk()),
    ("kty in lower case", A.jwk(kty="rsa"), "kty", A.jwk()),
    ("kty missing", A.jwk(kty=None), "kty", A.jwk()),
    ("kty of the future", A.jwk(kty="AKP"), "kty", A.jwk()),
    ("private exponent", A.jwk(d=b64(b"1")), "private", A.jwk(dd=b64(b"1"))),
    ("private prime", A.jwk(p=b64(b"1")), "private", A.jwk()),
    ("1024 bits", rsa_key("weak", 1024).jwk(), "1024 bits", rsa_key("a").jwk()),
    ("2047 bits", A.jwk(n=b64_int((1 << 2046) + 1)), "2047 bits", A.jwk(n=b64_int((1 << 2047) + 1))),
    ("8193 bits", A.jwk(n=b64_int((1 << 8192) + 1)), "8193 bits", A.jwk(n=b64_int((1 << 8191) + 1))),
    ("even modulus", A.jwk(n=b64_int(NUMBERS.n - 1)), "even", A.jwk(n=b64_int(NUMBERS.n))),
    ("exponent 1", A.jwk(e="AQ"), "exponent", A.jwk(e="Aw")),
    ("even exponent", A.jwk(e="AQAA"), "exponent", A.jwk(e="AQAB")),
    ("exponent of 65 bits", A.jwk(e=b64_int((1 << 64) + 1)), "exponent", A.jwk(e=b64_int((1 << 63) + 1))),
    ("ROCA", A.jwk(n=b64_int(ROCA_MODULUS)), "ROCA", A.jwk(n=b64_int(ROCA_MODULUS + 2))),
    ("n padded", A.jwk(n=A.jwk()["n"] + "=="), "n is not", A.jwk()),
    ("n missing", A.jwk(n=None), "n is not", A.jwk()),
    ("n a number", A.jwk(n=NUMBERS.n % 10**90), "n is not", A.jwk()),
    ("e empty", A.jwk(e=""), "e is not", A.jwk()),
    ("kid missing", A.jwk(kid=None), "kid", A.jwk(kid="x")),
    ("kid empty", A.jwk(kid=""), "kid", A.jwk(kid=" ")),
    ("kid a number", A.jwk(kid=1), "kid", A.jwk(kid="1")),
    ("kid of 257 characters", A.jwk(kid="k" * 257), "kid", A.jwk(kid="k" * 256)),
]  # fmt: skip
EC_CASES = [
    ("unknown curve", P256.jwk(crv="secp256k1"), "crv", P256.jwk(crv="P-256")),
    ("another curve", P256.jwk(crv="P-384"), "P-384 key is for ES384", P256.jwk()),
    ("another curve without alg", P256.jwk(crv="P-384", alg=None), "48 bytes", P256.jwk(alg=None)),
    ("alg of another curve", P256.jwk(alg="ES512"), "P-256 key is for ES256", P256.jwk(alg="ES256")),
    ("curve missing", P256.jwk(crv=None), "crv", P256.jwk()),
    ("not on the curve", P256.jwk(x=P256.jwk()["y"], y=P256.jwk()["x"]), "not on", P256.jwk()),
    ("point at zero", P256.jwk(x=b64(bytes(32)), y=b64(bytes(32))), "not on", P256.jwk()),
    ("short coordinate", P256.jwk(x=b64(b"\1" * 31)), "32 bytes", P256.jwk()),
    ("leading zero", P256.jwk(x=b64(b"\0" + POINT.x.to_bytes(32, "big"))), "32 bytes", P256.jwk()),
    ("private", P256.jwk(d=b64(b"1" * 32)), "private", P256.jwk()),
    ("kty OKP", P256.jwk(kty="OKP", crv="Ed25519"), "kty", P256.jwk()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "bad", "says", "good"),
    [pytest.param(RS_FAMILY, *case[1:], id=case[0]) for case in RSA_CASES]
    + [pytest.param(ES_FAMILY, *case[1:], id=f"EC: {case[0]}") for case in EC_CASES],
)
def test_unfit_key_is_left_out(
    family: tuple[str, ...], bad: dict[str, Any], says: str, good: dict[str, Any]
) -> None:
    """J2: type, curve, use, key_ops, alg and strength must fit; the reason is kept, the good twin is used."""
    refused = KeySet.load(jwks(bad), family)
    assert len(refused) == 0
    [dropped] = refused.dropped
    assert says in dropped.reason
    assert len(KeySet.load(jwks(good), family)) == 1


def test_one_bad_entry_does_not_void_the_set() -> None:
    """J2: an issuer may publish kinds of keys that we do not know."""
    oct_key = {"kty": "oct", "kid": "s", "k": "AAAA"}
    loaded = KeySet.load(jwks(oct_key, A, B.jwk(use="enc"), P256, B.jwk(kid="c")), RS_FAMILY)
    assert loaded.kids == ("a", "c")
    assert [dropped.kid for dropped in loaded.dropped] == ["s", "b", "p256"]


@pytest.mark.parametrize("entry", [None, 1, "x", [], {}, {"kid": "x"}])
def test_an_entry_that_is_no_key_is_named_by_its_place(entry: Any) -> None:
    """J2: dropped with a reason, beside a good one."""
    loaded = KeySet.load(json.dumps({"keys": [A.jwk(), entry]}).encode(), RS_FAMILY)
    assert loaded.kids == ("a",)
    assert loaded.dropped[0].kid in ("#1", "x")


@pytest.mark.parametrize(
    "second", [B.jwk(kid="a"), A.jwk(), B.jwk(kid="a", use="enc"), {"kid": "a", "kty": "oct"}]
)
def test_two_keys_of_one_kid_are_both_left_out(second: dict[str, Any]) -> None:
    """J2, J3: which of them the issuer means, nobody knows; another key is not touched by that."""
    loaded = KeySet.load(jwks(A, second, B), RS_FAMILY)
    assert loaded.kids == ("b",)
    assert [dropped.kid for dropped in loaded.dropped] == ["a", "a"]
    assert KeySet.load(jwks(A, {**second, "kid": "A"}, B), RS_FAMILY).get("a") is not None


@pytest.mark.parametrize("asked", ["A", "a ", "", "../a", "a\0", "b", "%61"])
def test_a_kid_is_an_opaque_name(asked: str) -> None:
    """J3: no key in place of another, however alike the names are."""
    loaded = KeySet.load(jwks(A), RS_FAMILY)
    assert loaded.get(asked) is None
    assert loaded.get("a") is not None


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":[],"keys":[]}',
        b"<html>",
        b"\xff",
        jwks(A)[:-1],
        jwks(A).decode().encode("utf-16"),
        b'{"keys":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_what_is_no_key_set_is_one_kind_of_error(document: bytes) -> None:
    """J2, J8: a set is not half read."""
    with pytest.raises(KeySetError):
        KeySet.load(document, RS_FAMILY)
    assert len(KeySet.load(b'{"keys":[]}', RS_FAMILY)) == 0


def test_a_set_has_at_most_a_hundred_keys() -> None:
    """J16: more are an error, not a long load."""
    entries = [A.jwk(kid=str(number)) for number in range(MAX_KEYS + 1)]
    with pytest.raises(KeySetError, match="101 keys"):
        KeySet.load(jwks(*entries), RS_FAMILY)
    assert len(KeySet.load(jwks(*entries[1:]), RS_FAMILY)) == MAX_KEYS


def test_algorithms_come_from_configuration_and_jwk() -> None:
    """J1: a key is for its alg; without one for those that are configured; an EC key for its curve's."""
    assert _key(A.jwk(alg="RS384"), RS_FAMILY).algorithms == ("RS384",)
    assert _key(A.jwk(alg=None), RS_FAMILY).algorithms == RS_FAMILY
    assert _key(A.jwk(alg=None), ("RS256",)).algorithms == ("RS256",)
    assert _key(A.jwk(alg=None), PS_FAMILY).algorithms == PS_FAMILY
    assert _key(P521.jwk(alg=None), ES_FAMILY).algorithms == ("ES512",)


@pytest.mark.parametrize("algorithm", [*RS_FAMILY, *PS_FAMILY])
def test_rsa_signature_is_verified_with_its_algorithm_only(algorithm: str) -> None:
    """J1: the same key under another algorithm proves nothing."""
    family = RS_FAMILY if algorithm in RS_FAMILY else PS_FAMILY
    key = _key(A.jwk(alg=None), family)
    signature = A.sign(b"message", algorithm)
    assert key.verify(algorithm, b"message", signature)
    assert not key.verify(algorithm, b"massage", signature)
    for other in (*RS_FAMILY, *PS_FAMILY, *ES_FAMILY, "HS256", "none", ""):
        assert other == algorithm or not key.verify(other, b"message", signature)


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_ec_signature_is_two_numbers_of_the_curves_size(curve: str) -> None:
    """J2: neither DER nor shortened numbers nor zeros (CVE-2022-21449)."""
    pair = ec_key(curve, curve)
    key = _key(pair.jwk(), ES_FAMILY)
    signature = pair.sign(b"message")
    assert key.verify(pair.algorithm, b"message", signature)
    for bad in (bytes(len(signature)), signature[:-1], signature + b"\0", b"", signature[::-1]):
        assert not key.verify(pair.algorithm, b"message", bad)


def test_a_library_that_fails_has_not_verified(caplog: pytest.LogCaptureFixture) -> None:
    """J8: no exception of another kind gets out, and the failure is in the log."""

    def fail(signing_input: bytes, signature: bytes) -> bool:
        raise OverflowError("too large")

    key = VerificationKey("a", ("RS256",), "", {"RS256": fail})
    with caplog.at_level(logging.ERROR):
        assert key.verify("RS256", b"", b"") is False
    assert "OverflowError" in caplog.text
    assert VerificationKey("a", ("RS256",), "", {"RS256": lambda *_: True}).verify("RS256", b"", b"")


def test_sets_of_the_same_keys_are_equal() -> None:
    one = KeySet.load(jwks(A, B), RS_FAMILY)
    other = KeySet.load(jwks(B.jwk(x5c=["x"], use=None), A, {"kty": "oct"}), RS_FAMILY)
    assert one == other
    assert hash(one) == hash(other)
    assert one.fingerprint == other.fingerprint
    assert one != KeySet.load(jwks(A), RS_FAMILY)
    assert one != "a"


@pytest.mark.parametrize(
    ("after", "is_kept"),
    [
        pytest.param([A, B], True, id="nothing new"),
        pytest.param([B, A, rsa_key("c")], True, id="one more"),
        pytest.param([A], False, id="one less"),
        pytest.param([A, A.jwk(kid="b")], False, id="another key of the same name"),
        pytest.param([A, B.jwk(alg="RS512")], False, id="for another algorithm"),
        pytest.param([A, B.jwk(use="enc")], False, id="no longer for signatures"),
        pytest.param([], False, id="none left"),
    ],
)
def test_a_lost_key_is_noticed(after: list[Any], is_kept: bool) -> None:
    """J18: what it has verified must be forgotten; a further key changes nothing."""
    before = KeySet.load(jwks(A, B), RS_FAMILY)
    later = KeySet.load(jwks(*after), RS_FAMILY)
    assert later.keeps(before) is is_kept
    assert (later.fingerprint == before.fingerprint) is (later == before)


def test_roca_fingerprint_is_not_that_of_a_random_key() -> None:
    """J2: CVE-2017-15361."""
    assert has_roca_fingerprint(ROCA_MODULUS)
    assert not has_roca_fingerprint(NUMBERS.n)


def test_what_it_prints_is_good_to_read() -> None:
    assert repr(KeySet.load(jwks(A, B, {}), RS_FAMILY)) == "<KeySet a b dropped=1>"
    assert repr(KeySet([])) == "<KeySet empty dropped=0>"


def _key(jwk: dict[str, Any], family: tuple[str, ...]) -> VerificationKey:
    key = KeySet.load(jwks(jwk), family).get(jwk["kid"])
    assert key is not None
    return key
