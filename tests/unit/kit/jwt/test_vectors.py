"""J1, J2, J5, J6: published vectors, read in place, through the steps that the verifier takes.

Project Wycheproof (Apache-2.0) and the JOSE cookbook of RFC 7520 (ietf-jose/cookbook). Each verdict must be the
vector's, but for the exceptions, which must be exact: one that no longer is an exception fails as well.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.jwt.algorithms import ES_FAMILY, FAMILIES, RS_FAMILY
from kit.jwt.jwk import UnusableKeyError, prepare_key
from kit.jwt.keys import KeySet
from kit.jwt.refusal import Refused
from kit.jwt.token import read_token
from kit.jwt.verifier import verified_payload

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "testdata"
if not FOLDER.is_dir():
    if os.environ.get("CI") == "true":
        pytest.fail(f"{FOLDER} is missing, and CI must have it", pytrace=False)
    pytest.skip(f"the vectors are not here: {FOLDER}", allow_module_level=True)

_SYMMETRIC = "HS256 and its kin: an issuer whose keys are published has no secret (J1)"
_EMPTY = "an empty payload: a token holds an object, and no segment may be empty (J6)"
_OTHER_ALG = "the JWK says PS256 and the signature is PS384: a key is for its alg (J2)"
_NO_ALG = "the JWK says ES521, which is no algorithm (the curve is P-521, the algorithm ES512) (J2)"

# tcId → why a vector called valid is refused here. No vector called invalid is accepted.
SIGNATURE_EXCEPTIONS = {
    **dict.fromkeys((1, 348, 352, 357, 358, 359, 372, 373, 376, 377), _SYMMETRIC),
    **dict.fromkeys((259, 264, 268, 272, 320, 325), _EMPTY),
    **dict.fromkeys((346, 350), _OTHER_ALG),
    **dict.fromkeys((347, 351), _NO_ALG),
}
KEY_EXCEPTIONS = dict.fromkeys((2, 13, 14, 15), _SYMMETRIC)

# The figures whose compact form is a signature of an asymmetric key; all other outputs must be refused.
COOKBOOK_ACCEPTED = {
    "jws/4_1.rsa_v15_signature.json",
    "jws/4_2.rsa-pss_signature.json",
    "jws/4_3.ecdsa_signature.json",
}

_PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}


def accepts(jws: str, jwk: dict[str, Any]) -> bool:
    try:
        verified_payload(read_token(jws), prepare_key("k", jwk, _family(jwk)))
    except (UnusableKeyError, Refused):
        return False
    return True


def accepts_of_set(jws: str, document: dict[str, Any]) -> bool:
    """Whether any family's set has a key of the token's kid that has signed it."""
    for family in FAMILIES:
        try:
            token = read_token(jws)
            key = KeySet.load(json.dumps(document).encode(), family).get(token.kid or "")
            if key is not None:
                verified_payload(token, key)
                return True
        except Refused:
            continue
    return False


def _family(jwk: dict[str, Any]) -> tuple[str, ...]:
    named = next((family for family in FAMILIES if jwk.get("alg") in family), None)
    return named or (ES_FAMILY if jwk.get("kty") == "EC" else RS_FAMILY)


def wycheproof(name: str) -> Iterator[Any]:
    for group in json.loads((FOLDER / "wycheproof" / name).read_bytes())["testGroups"]:
        key = group.get("public", group["private"])
        for test in group["tests"]:
            yield pytest.param(test, key, id=f"{test['tcId']} {group['comment']} {test['comment']}")


@pytest.mark.parametrize(("test", "jwk"), list(wycheproof("json_web_signature_test.json")))
def test_wycheproof_signature(test: dict[str, Any], jwk: dict[str, Any]) -> None:
    """J1, J2, J5, J6: 401 vectors, 355 of them invalid."""
    is_valid = (test["result"] == "valid") != (test["tcId"] in SIGNATURE_EXCEPTIONS)
    assert accepts(test["jws"], jwk) is is_valid


@pytest.mark.parametrize(("test", "document"), list(wycheproof("json_web_key_test.json")))
def test_wycheproof_key(test: dict[str, Any], document: dict[str, Any]) -> None:
    """J2, J3: 26 key sets, 21 of them not to be used."""
    is_valid = (test["result"] == "valid") != (test["tcId"] in KEY_EXCEPTIONS)
    assert accepts_of_set(test["jws"], document) is is_valid


@pytest.mark.parametrize(
    ("test_id", "says"),
    [(4, "same kid"), (6, "use"), (7, "ROCA"), (8, "1024 bits"), (9, "exponent"), (19, "alg")],
)
def test_wycheproof_key_is_left_out_for_its_own_fault(test_id: int, says: str) -> None:
    """J2: not by chance for another."""
    params = wycheproof("json_web_key_test.json")
    [document] = [param.values[1] for param in params if param.values[0]["tcId"] == test_id]
    family = ES_FAMILY if document["keys"][0]["kty"] == "EC" else RS_FAMILY
    assert says in KeySet.load(json.dumps(document).encode(), family).dropped[0].reason


def cookbook() -> Iterator[Any]:
    folder = FOLDER / "jose-cookbook"
    for path in sorted(folder.rglob("*.json")):
        name = str(path.relative_to(folder))
        figure = json.loads(path.read_bytes())
        outputs = figure.get("output", {}) if isinstance(figure, dict) else {}
        for form, output in outputs.items():
            token = output if isinstance(output, str) else json.dumps(output)
            yield pytest.param(name, form, token, figure["input"].get("key", {}), id=f"{name} {form}")


@pytest.mark.parametrize(("name", "form", "token", "key"), list(cookbook()))
def test_jose_cookbook(name: str, form: str, token: str, key: Any) -> None:
    """J1, J5, J6: only the compact signatures of RSA and EC keys are tokens."""
    public = (
        {member: key[member] for member in key if member not in _PRIVATE} if isinstance(key, dict) else {}
    )
    # The figures' keys have no alg: whichever family fits the token may take it.
    accepted = False
    for family in FAMILIES:
        try:
            verified_payload(read_token(token), prepare_key("k", public, family))
            accepted = True
        except (UnusableKeyError, Refused):
            continue
    assert accepted is (form == "compact" and name in COOKBOOK_ACCEPTED)


def test_every_vector_was_read() -> None:
    """So that a folder that lost its files does not pass in silence."""
    assert len(list(wycheproof("json_web_signature_test.json"))) == 401
    assert len(list(wycheproof("json_web_key_test.json"))) == 26
    compact = {param.values[0] for param in cookbook() if param.values[1] == "compact"}
    assert compact >= COOKBOOK_ACCEPTED
    assert len(compact) >= 15
