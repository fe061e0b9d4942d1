"""Verification keys of one issuer.

A key set is read once, strictly, into prepared keys; a key that cannot be used is left out with its reason, so
that one bad entry does not void the others. Nothing here fetches.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from kit.jwt.jwk import UnusableKeyError, VerificationKey, prepare_key
from kit.strict_json import StrictJsonError, parse_object

__all__ = ("DroppedKey", "KeySet", "KeySetError", "VerificationKey")

# 100: a rotating issuer has two to five; each one costs 50 µs to load.
MAX_KEYS = 100
MAX_KID_CHARS = 256


class KeySetError(ValueError):
    """The document is no key set; the message says why."""


@dataclass(frozen=True, slots=True)
class DroppedKey:
    """An entry of a key set that is not used. :param kid: as far as it has one, cut; else ``#position``."""

    kid: str
    reason: str


class KeySet:
    """What an issuer published, immutable. Sets with the same usable keys are equal.

    :ivar dropped: the entries that are not used, in order, each with its reason.
    :ivar fingerprint: hexadecimal, of the usable keys; for logs and comparisons.
    """

    __slots__ = ("_keys", "dropped", "fingerprint")

    def __init__(self, keys: Collection[VerificationKey], dropped: Collection[DroppedKey] = ()) -> None:
        self._keys = {key.kid: key for key in keys}
        self.dropped = tuple(dropped)
        lines = sorted(f"{key.kid!r} {key.thumbprint} {key.algorithms}" for key in keys)
        self.fingerprint = hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @classmethod
    def load(cls, document: bytes, algorithms: Collection[str]) -> "KeySet":
        """Read a JWK Set, whose size the caller has bounded.

        :param algorithms: of one family, see `algorithms.FAMILIES`.
        :returns: it may be empty: then all entries, if any, are in `dropped`.
        :raises KeySetError: no JWK Set, or too many keys.
        """
        entries = _entries(document)
        kids = Counter(entry["kid"] for entry in entries if isinstance(entry.get("kid"), str))
        keys: list[VerificationKey] = []
        dropped: list[DroppedKey] = []
        for position, entry in enumerate(entries):
            try:
                kid = _kid(entry)
                if kids[kid] > 1:
                    raise UnusableKeyError("another key has the same kid, so neither is used")
                keys.append(prepare_key(kid, entry, algorithms))
            except UnusableKeyError as exc:
                named = entry.get("kid")
                name = named[:MAX_KID_CHARS] if isinstance(named, str) and named else f"#{position}"
                dropped.append(DroppedKey(name, str(exc)))
        return cls(keys, dropped)

    def get(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)  # J3: an opaque name of a dictionary, and no other key in its place

    def keeps(self, before: "KeySet") -> bool:
        """Whether every key of *before* is here unchanged: what they have verified may then stay believed."""
        return all(self._keys.get(kid) == key for kid, key in before._keys.items())

    @property
    def kids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __eq__(self, other: object) -> bool:
        return self._keys == other._keys if isinstance(other, KeySet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<KeySet {' '.join(self._keys) or 'empty'} dropped={len(self.dropped)}>"


def _entries(document: bytes) -> list[dict[str, object]]:
    try:
        members = parse_object(document)
    except StrictJsonError as exc:
        raise KeySetError(f"the key set cannot be read: {exc}") from exc
    entries = members.get("keys")
    if not isinstance(entries, list):
        raise KeySetError("the key set has no list called keys")
    if len(entries) > MAX_KEYS:
        raise KeySetError(f"the key set has {len(entries)} keys, {MAX_KEYS} are the most")
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _kid(jwk: Mapping[str, object]) -> str:
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_CHARS:
        raise UnusableKeyError(f"it has no kid of 1 to {MAX_KID_CHARS} characters")
    return kid
