"""One JSON Web Key, judged and prepared for verification. Built by joserfc, called without looking anything up."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from kit.jwt.base64url import decode
from kit.jwt.key_policy import CURVE_ALGORITHM, CURVE_BYTES, rsa_fault

_log = logging.getLogger("lockgate.gateway")

# RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1: members that only the owner of a key may know.
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}

# (signing input, signature) → whether it is good
Check = Callable[[bytes, bytes], bool]


class UnusableKeyError(ValueError):
    """A key is not used; the message says why."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One public key, prepared once.

    :param algorithms: those it may be used with, of the configured ones; what a token says only picks.
    :param thumbprint: RFC 7638, SHA-256: equal for equal keys, whatever else their JWKs say.
    """

    kid: str
    algorithms: tuple[str, ...]
    thumbprint: str
    _checks: Mapping[str, Check] = field(compare=False, repr=False)

    def verify(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's. False also for an algorithm that is not one of the key's."""
        check = self._checks.get(algorithm)
        if check is None:
            return False
        try:
            return check(signing_input, signature)
        except Exception:  # noqa: BLE001  # J8: what a library chokes on it has not verified; no 500 for anybody
            _log.exception("verifying with key %r failed", self.kid)
            return False


def prepare_key(kid: str, jwk: Mapping[str, object], algorithms: Collection[str]) -> VerificationKey:
    """Prepare one JWK for verification with those of *algorithms*, all of one family, that it fits (J2).

    :raises UnusableKeyError: it fits none of them, is malformed, too weak, or no public signature key.
    """
    family = next(iter(algorithms))[:2]
    if jwk.get("kty") != _KEY_TYPES[family]:
        raise UnusableKeyError(f"its kty is not {_KEY_TYPES[family]}, which {', '.join(algorithms)} need")
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise UnusableKeyError("it shows its private part, so anybody could have signed")
    if jwk.get("use", "sig") != "sig":
        raise UnusableKeyError("its use is not sig")
    if "key_ops" in jwk and not _may_verify(jwk["key_ops"]):
        raise UnusableKeyError("its key_ops do not hold verify")
    fitting = [name for name in algorithms if jwk.get("alg", name) == name]
    if not fitting:
        raise UnusableKeyError(f"its alg is none of {', '.join(algorithms)}")
    public: RSAKey | ECKey
    if family == "ES":
        fitting = _fitting_curve(jwk, fitting)
        public = _ec(jwk)
    else:
        public = _rsa(jwk)
    return VerificationKey(
        kid, tuple(fitting), public.thumbprint(), {name: _check(name, public) for name in fitting}
    )


def _check(algorithm: str, public: RSAKey | ECKey) -> Check:
    model = JWSRegistry(algorithms=[algorithm]).get_alg(algorithm)
    model.check_key(public)

    def check(signing_input: bytes, signature: bytes) -> bool:
        return model.verify(signing_input, signature, public)

    return check


def _may_verify(key_ops: object) -> bool:
    return isinstance(key_ops, list) and "verify" in key_ops


def _rsa(jwk: Mapping[str, object]) -> RSAKey:
    modulus, exponent = _member(jwk, "n"), _member(jwk, "e")
    fault = rsa_fault(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))
    if fault is not None:
        raise UnusableKeyError(fault)
    try:
        return RSAKey.import_key({"kty": "RSA", "n": str(jwk["n"]), "e": str(jwk["e"])})
    except ValueError as exc:
        raise UnusableKeyError("its numbers make no RSA key") from exc


def _fitting_curve(jwk: Mapping[str, object], algorithms: Collection[str]) -> list[str]:
    curve = jwk.get("crv")
    if not isinstance(curve, str) or curve not in CURVE_BYTES:
        raise UnusableKeyError(f"its crv is none of {', '.join(CURVE_BYTES)}")
    if CURVE_ALGORITHM[curve] not in algorithms:
        raise UnusableKeyError(f"a {curve} key is for {CURVE_ALGORITHM[curve]}, which is not accepted for it")
    return [CURVE_ALGORITHM[curve]]


def _ec(jwk: Mapping[str, object]) -> ECKey:
    curve = str(jwk["crv"])
    if any(len(_member(jwk, name)) != CURVE_BYTES[curve] for name in ("x", "y")):
        raise UnusableKeyError(f"x and y of a {curve} key have {CURVE_BYTES[curve]} bytes each")
    try:
        return ECKey.import_key({"kty": "EC", "crv": curve, "x": str(jwk["x"]), "y": str(jwk["y"])})
    except ValueError as exc:
        raise UnusableKeyError(f"its point is not on {curve}") from exc


def _member(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    data = decode(value.encode()) if isinstance(value, str) else None
    if not data:
        raise UnusableKeyError(f"its {name} is not canonical base64url")
    return data
