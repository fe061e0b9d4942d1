"""`lockgate token verify`: which authorizers would accept a token, with keys from a file, the state, or the issuer."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.authorizers.jwt.spec import IssuerSpec, JwtSpec
from gateway.errors import DeploymentError
from gateway.explain.fixed_keys import FixedKeys, judge
from gateway.explain.shape import step_as_json
from gateway.explain.token_form import read_form
from gateway.explain.token_steps import keys_text, shown_claims, token_steps
from gateway.issuers.key_cache import KeyCache, KeyCacheError
from gateway.issuers.schedule import KEPT_S
from gateway.issuers.source import MAX_DOCUMENT_BYTES, IssuerFault, KeySource
from kit.fetch import Fetcher
from kit.jwt.algorithms import FAMILIES, RS_FAMILY
from kit.jwt.keys import KeySet, KeySetError
from lockgate.config.grammar.authorizers import JwtAuthorizer
from lockgate.config.grammar.file import RoutesFile
from lockgate.door import authorizer_spec
from lockgate.errors import UsageError
from lockgate.pool_names import PoolNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An authorizer that may accept a token. :param note: what of it is not checked."""

    name: str | None
    spec: JwtSpec
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """:param keys: None: there are none, and `why` says so."""

    keys: FixedKeys | None
    why: str = ""


def of_file(file: RoutesFile, name: str | None, pools: PoolNames) -> list[Candidate]:
    """The JWT authorizers of a file, or the one called *name*.

    :param pools: what the file's user pools are called.
    :raises UsageError: there is none of that name or kind.
    """
    tokens = {each: found for each, found in file.authorizers.items() if isinstance(found, JwtAuthorizer)}
    if name is not None and name not in tokens:
        known = f"There are {', '.join(tokens)}." if tokens else "The file has none."
        raise UsageError(f"The file has no authorizer of type jwt called {name!r}.", known)
    if not tokens:
        raise UsageError(
            "The file has no authorizer of type jwt.",
            "Name --issuer and --audience, or a key file with --jwks.",
        )
    chosen = tokens if name is None else {name: tokens[name]}
    specs = {each: authorizer_spec(each, found, pools) for each, found in chosen.items()}
    return [Candidate(name=each, spec=spec) for each, spec in specs.items() if isinstance(spec, JwtSpec)]


def of_words(text: str, issuer: str | None, audience: Collection[str]) -> Candidate:
    """An authorizer of the command line. What was not named is taken from the token, hence not checked.

    :raises UsageError: no authorizer can be so.
    """
    form = read_form(text)
    claims = form.claims or {}
    algorithm = (form.header or {}).get("alg")
    family = next((each for each in FAMILIES if algorithm in each), RS_FAMILY)
    unchecked = [*([] if issuer else ["iss"]), *([] if audience else ["aud"])]
    said = claims.get("iss")
    wanted = issuer or (said if isinstance(said, str) else "none")
    try:
        spec = JwtSpec(
            issuer=IssuerSpec(issuer=wanted, algorithms=family),
            audience=frozenset(audience or _audience_of(claims)),
        )
    except DeploymentError as error:
        raise UsageError(f"That is no authorizer: {error}.") from error
    note = f"{' and '.join(unchecked)} taken from the token itself, so not checked" if unchecked else ""
    return Candidate(name=None, spec=spec, note=note)


def _audience_of(claims: Mapping[str, object]) -> Iterable[str]:
    value = claims.get("aud", claims.get("client_id"))
    texts = value if isinstance(value, list) else [value]
    return [each for each in texts if isinstance(each, str) and each] or ["none"]


def keys_of_document(spec: JwtSpec, document: bytes) -> Held:
    """:raises UsageError: it is no key set."""
    try:
        keys = KeySet.load(document, spec.issuer.algorithms)
    except KeySetError as error:
        raise UsageError(
            f"The key file cannot be used: {error}.", 'It holds {"keys": [ … ]}, public keys.'
        ) from error
    if not keys:
        reasons = "; ".join(f"{each.kid}: {each.reason}" for each in keys.dropped[:3]) or "it is empty"
        return Held(keys=None, why=f"the key file holds no key that can be used: {reasons}")
    return Held(keys=FixedKeys(spec.issuer.issuer, keys))


def kept_keys(spec: JwtSpec, state: Path) -> Held:
    """What a server has left in its state folder, if it would still use it."""
    issuer = spec.issuer.issuer
    try:
        cached = KeyCache(state / "issuers").load(spec.issuer)
    except KeyCacheError as error:
        return Held(
            keys=None, why=f"the kept keys of {issuer} cannot be used: {error}; --fetch asks the issuer"
        )
    if cached is None:
        return Held(keys=None, why=f"no keys of {issuer} are kept in {state}; --fetch asks the issuer")
    age_s = max(0.0, time.time() - cached.fetched_at)
    if age_s >= KEPT_S and not spec.issuer.user_pool:  # a pool's own keys were not withdrawn by somebody else
        return Held(keys=None, why=f"the kept keys of {issuer} are older than a day; --fetch asks the issuer")
    return Held(keys=FixedKeys(issuer, cached.published.keys, age_s))


def fetched_keys(spec: JwtSpec) -> Held:
    """Ask the issuer now, under the rules of the gateway."""
    try:
        published = asyncio.run(KeySource(spec.issuer, Fetcher()).fetch())
    except IssuerFault as error:
        return Held(keys=None, why=f"{spec.issuer.issuer} gave no keys: {error}")
    return Held(keys=FixedKeys(spec.issuer.issuer, published.keys, 0.0))


def read_jwks(path: Path) -> bytes:
    """:raises UsageError: it cannot be read, or is too large for any key set."""
    try:
        with path.open("rb") as file:
            document = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.") from error
    if len(document) > MAX_DOCUMENT_BYTES:
        raise UsageError(f"The key file {path} has more than {MAX_DOCUMENT_BYTES} bytes.")
    return document


def verdict_of(
    candidate: Candidate, held: Held, text: str, now_s: float, *, all_claims: bool
) -> dict[str, Any]:
    """One row of the answer; the names of its members are stable."""
    keys = held.keys or FixedKeys(candidate.spec.issuer.issuer, KeySet(()))
    judged = judge(candidate.spec, keys, text, now_s)
    refused = judged.verdict.refused
    checks = [step_as_json(step) for step in token_steps(judged)]
    verdict, sentence = "accepted", "the token is accepted"
    if refused is not None:
        verdict, sentence = "refused", checks[-1]["sentence"]
    if refused is not None and refused.refusal.reason == "key_unknown" and held.keys is None:
        verdict, sentence = "unknown", held.why
        checks[-1] |= {"outcome": "unknown", "sentence": held.why}
    claims, others = shown_claims(judged.verdict.claims, all_of_them=all_claims)
    return {
        "authorizer": candidate.name,
        "issuer": candidate.spec.issuer.issuer,
        "audience": sorted(candidate.spec.audience),
        "verdict": verdict,
        "reason": judged.verdict.reason if verdict == "refused" else None,
        "sentence": sentence,
        "note": candidate.note,
        "keys": None if held.keys is None else keys_text(keys.snapshot()),
        "checks": checks,
        "claims": None if claims is None else dict(claims),
        "other_claims": list(others),
    }
