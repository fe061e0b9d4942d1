"""What was checked of a token, one step each, from the verdict of the authorizer that checks it.

The verdict says what failed first; what comes before that in the verifier's order has held, the rest was not
looked at. Only claims that name no person are shown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.authorizers.jwt.authorizer import Verdict
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.errors import DenialReason
from gateway.explain.moments import duration, moment
from gateway.explain.values import Step
from gateway.issuers.events import IssuerSnapshot
from kit.jwt.refusal import EXPIRED, NOT_YET, Refused, quote
from kit.jwt.token import Token, read_token

# They say who issued it, for whom, for when and for what; never who it is.
SHOWN_CLAIMS = ("iss", "aud", "client_id", "token_use", "scope", "scp", "iat", "nbf", "exp")

# In the verifier's order. A claim of a wrong type may turn up anywhere behind the issuer.
_ORDER = (
    "identity",
    "form",
    "algorithm",
    "key",
    "signature",
    "issuer",
    "audience",
    "token_use",
    "lifetime",
    "scopes",
)
_PLACES: Mapping[DenialReason, tuple[str, int]] = {
    "identity_missing": ("identity", 0),
    "identity_repeated": ("identity", 0),
    "token_malformed": ("form", 1),
    "algorithm_refused": ("algorithm", 2),
    "key_unknown": ("key", 3),
    "signature_invalid": ("signature", 4),
    "issuer_wrong": ("issuer", 5),
    "audience_wrong": ("audience", 6),
    "claims_invalid": ("claims", 6),
    "token_use_wrong": ("token_use", 7),
    "token_expired": ("lifetime", 8),
    "token_not_yet_valid": ("lifetime", 8),
    "scope_insufficient": ("scopes", 9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """:param text: the bare token, or "". :param issuer: None: the keys came from a file."""

    verdict: Verdict
    text: str
    spec: JwtSpec
    scopes: Collection[str]
    now_s: float
    issuer: IssuerSnapshot | None


def token_steps(judged: Judged) -> tuple[Step, ...]:
    """The checks up to the one that decided."""
    refused = judged.verdict.refused
    name, place = ("", len(_ORDER)) if refused is None else _PLACES[refused.refusal.reason]
    token = None if place <= 2 else read_token(judged.text)  # before that it may be none
    claims = judged.verdict.claims or {}
    passed = [
        Step(name=each, outcome="ok", sentence=_held(each, judged, token, claims)) for each in _ORDER[:place]
    ]
    if refused is None:
        return tuple(each for each in passed if each.sentence)
    failed = Step(name=name, outcome="refused", sentence=_failed(refused, judged, claims))
    return (*(each for each in passed if each.sentence), failed)


def shown_claims(
    claims: Mapping[str, object] | None, *, all_of_them: bool
) -> tuple[Mapping[str, object] | None, tuple[str, ...]]:
    """The claims to show, and the names of the others."""
    if claims is None:
        return None, ()
    shown = {name: value for name, value in claims.items() if all_of_them or name in SHOWN_CLAIMS}
    return shown, tuple(name for name in claims if name not in shown)


def keys_text(issuer: IssuerSnapshot) -> str:
    """As ``2 keys, fetched 3 minutes ago``."""
    count = len(issuer.kids)
    age = "" if issuer.age_s is None else f", fetched {duration(issuer.age_s)} ago"
    stale = ", to be fetched again" if issuer.state == "stale" else ""
    return f"{count} key{'' if count == 1 else 's'}{age}{stale}"


def _held(name: str, judged: Judged, token: Token | None, claims: Mapping[str, object]) -> str:
    """Why a check has held; "" where there was nothing to check."""
    spec = judged.spec
    if name == "identity":
        return f"one token, of {len(judged.text):,} characters"
    if name == "form":
        return "three segments of canonical base64url, a header of strict JSON"
    if name == "issuer":
        return f"iss is {quote(claims.get('iss'))}"
    if name == "audience":
        which = "aud" if "aud" in claims else "client_id"
        return f"{which} is {quote(claims.get(which))}; accepted: {_listed(sorted(spec.audience))}"
    if name == "token_use":
        return "" if spec.token_use is None else f"token_use is {spec.token_use!r}"
    if name == "lifetime":
        return f"it expires {moment(claims.get('exp'), judged.now_s)}{_leeway(spec)}"
    if name == "scopes":
        return _scopes_held(judged)
    assert token is not None
    if name == "algorithm":
        return f"{token.algorithm}; accepted: {_listed(spec.issuer.algorithms)}"
    if name == "key":
        source = "of the key file" if judged.issuer is None else f"of the issuer ({keys_text(judged.issuer)})"
        return f"{quote(token.kid)} {source}"
    return "it was signed with that key, and not changed since"


def _scopes_held(judged: Judged) -> str:
    if not judged.scopes:
        return ""
    has = [scope for scope in judged.verdict.scopes if scope in judged.scopes]
    return f"it has {_listed(has)}; any one of {_listed(sorted(judged.scopes))} is enough"


def _failed(refused: Refused, judged: Judged, claims: Mapping[str, object]) -> str:
    sentence = f"{refused.refusal.description}: {refused.sentence}"
    if refused.refusal is EXPIRED:
        ended = moment(claims.get("exp"), judged.now_s)
        return f"{refused.refusal.description}: its exp is {ended}{_leeway(judged.spec)}"
    if refused.refusal is NOT_YET:
        begins = [
            f"its {name} is {moment(claims[name], judged.now_s)}" for name in ("nbf", "iat") if name in claims
        ]
        return f"{refused.refusal.description}: {', '.join(begins)}{_leeway(judged.spec)}"
    if refused.refusal.reason == "key_unknown" and judged.issuer is not None:
        known = _listed([quote(kid) for kid in judged.issuer.kids[:5]])
        return f"{sentence}; it has {known or 'none'} ({keys_text(judged.issuer)})"
    return sentence


def _leeway(spec: JwtSpec) -> str:
    return f", with a leeway of {spec.leeway_s} s" if spec.leeway_s else ""


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
