"""The JWT authorizer: one for each configuration, with its cache; a gate of it for each route, with its scopes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.authorizers.jwt.cache import VerifiedTokens, digest_of
from gateway.authorizers.jwt.challenge import Challenges
from gateway.authorizers.jwt.identity import TokenSource, bare_token
from gateway.authorizers.jwt.keys import Keys
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.authorizers.jwt.verified_token import VerifiedToken
from gateway.errors import AccessDenied, BadRequest, DenialReason, Unauthorized
from gateway.exchange import Authorization, Exchange
from kit.jwt.keys import VerificationKey
from kit.jwt.refusal import MISSING, SCOPE, Refused
from kit.jwt.verifier import Verifier

Lookup = Callable[[str], VerificationKey | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What would become of a token, for those who ask.

    :param reason: None: it is accepted.
    :param sentence: why, for people.
    :param claims: None: its signature is not known to be good, so what it says means nothing.
    :param refused: what is wrong, as it would be raised.
    """

    reason: DenialReason | None
    sentence: str
    claims: Mapping[str, object] | None = None
    scopes: Sequence[str] = field(default=())
    refused: Refused | None = field(default=None, compare=False, repr=False)


class JwtAuthorizer:
    """:param keys: of the issuer; asked for each token that is not remembered."""

    def __init__(self, spec: JwtSpec, keys: Keys) -> None:
        self.spec = spec
        self.keys = keys
        self.source = TokenSource(spec.identity_source)
        self._verifier = Verifier(spec.issuer.algorithms, spec.rules())
        self._verified = VerifiedTokens()

    def for_route(self, scopes: Sequence[str]) -> "JwtGate":
        """:param scopes: any one of them is enough; none: the token alone is.

        :raises DeploymentError: a scope that no token can have.
        """
        return JwtGate(self, tuple(scopes))

    def recall(self, digest: bytes, now_s: float) -> VerifiedToken | None:
        """What was verified lately and still holds."""
        return self._verified.get(digest, self.keys.generation, now_s)

    async def verify(self, text: str, now_s: float) -> VerifiedToken:
        """Verify a token at a moment, seconds since the epoch, and remember it.

        :raises Refused: it is not accepted.
        :raises AuthorizerUnavailable: the issuer has never given its keys.
        """
        token, kid = self._verifier.read(text)
        generation = self.keys.generation
        key = self.keys.get(kid)
        if key is None:
            key = await self.keys.find(kid)
        claims = self._verifier.open(token, key)
        verified = VerifiedToken.of(claims, self._verifier.check(claims, now_s))
        digest = digest_of(text)
        if digest is not None:
            self._verified.put(digest, generation, verified, characters=len(text), now_s=now_s)
        return verified

    def judge(
        self, value: str, now_s: float, *, lookup: Lookup | None = None, scopes: Sequence[str] = ()
    ) -> Verdict:
        """Say what the same steps would do, without remembering or fetching anything.

        :param value: as it would stand at the identity source.
        :param lookup: kid → key; None: the keys that are here now.
        """
        return self._judge(bare_token(value), now_s, lookup or self.keys.peek, scopes)

    def _judge(self, text: str, now_s: float, lookup: Lookup, scopes: Collection[str]) -> Verdict:
        claims: dict[str, object] | None = None
        try:
            if not text:
                raise Refused(MISSING, "it is empty")
            token, kid = self._verifier.read(text)
            claims = self._verifier.open(token, lookup(kid))
            verified = VerifiedToken.of(claims, self._verifier.check(claims, now_s))
            check_scopes(verified, frozenset(scopes))
        except Refused as refused:
            return _refusing(refused, claims)
        return Verdict(reason=None, sentence="the token is accepted", claims=claims, scopes=verified.scopes)


class JwtGate:
    """The authorizer in front of one route."""

    def __init__(self, authorizer: JwtAuthorizer, scopes: tuple[str, ...]) -> None:
        self._authorizer = authorizer
        self._scopes = frozenset(scopes)
        self._challenges = Challenges(scopes)

    @property
    def spec(self) -> JwtSpec:
        return self._authorizer.spec

    @property
    def keys(self) -> Keys:
        return self._authorizer.keys

    @property
    def scopes(self) -> frozenset[str]:
        return self._scopes

    def recall(self, exchange: Exchange) -> Authorization | None:
        """The answer for a token that was verified lately; None: `authorize` says what becomes of the request.

        For most requests the only step, so it costs no coroutine and watches no connection.
        """
        authorizer = self._authorizer
        try:
            digest = digest_of(authorizer.source.take(exchange))
            verified = (
                None if digest is None else authorizer.recall(digest, exchange.request.at.epoch_ms / 1000)
            )
            if verified is None:
                return None
            check_scopes(verified, self._scopes)
        except (Refused, BadRequest):
            return None
        return verified.scoped if self._scopes else verified.unscoped

    async def authorize(self, exchange: Exchange) -> Authorization:
        """:raises Unauthorized: no token or a bad one. :raises AccessDenied: none of the route's scopes.
        :raises AuthorizerUnavailable: the issuer has never given its keys.
        """
        authorizer = self._authorizer
        now_s = exchange.request.at.epoch_ms / 1000  # J9: the one clock read of the request
        try:
            text = authorizer.source.take(exchange)
            digest = digest_of(text)
            verified = None if digest is None else authorizer.recall(digest, now_s)
            if verified is None:
                verified = await authorizer.verify(text, now_s)
            check_scopes(verified, self._scopes)
        except Refused as refused:
            raise self._denial(refused) from refused
        return verified.scoped if self._scopes else verified.unscoped

    def explain(self, exchange: Exchange) -> tuple[Verdict, Unauthorized | AccessDenied | None]:
        """Say what `authorize` would do with the keys that are here now, and do nothing of it.

        :returns: the verdict and what would be raised. Before a token is refused for its key, the issuer is asked.
        :raises BadRequest: the query has too many pairs.
        """
        authorizer = self._authorizer
        try:
            text = authorizer.source.take(exchange)
        except Refused as refused:
            return _refusing(refused, None), self._denial(refused)
        now_s = exchange.request.at.epoch_ms / 1000
        verdict = authorizer._judge(text, now_s, authorizer.keys.peek, self._scopes)
        return verdict, None if verdict.refused is None else self._denial(verdict.refused)

    def _denial(self, refused: Refused) -> Unauthorized | AccessDenied:
        kind = AccessDenied if refused.refusal is SCOPE else Unauthorized
        return kind(
            refused.refusal.reason,
            refused.refusal.description,  # L2: the sentence quotes claims, and the access log prints this
            challenge=self._challenges.of(refused.refusal),
        )


def _refusing(refused: Refused, claims: Mapping[str, object] | None) -> Verdict:
    sentence = f"{refused.refusal.description}: {refused.sentence}"
    return Verdict(reason=refused.refusal.reason, sentence=sentence, claims=claims, refused=refused)


def check_scopes(verified: VerifiedToken, wanted: frozenset[str]) -> None:
    """:raises Refused: some are wanted, and the token has none of them."""
    if wanted and wanted.isdisjoint(verified.scopes):  # J12: whole words, any one of them
        raise Refused(
            SCOPE, f"it has {' '.join(verified.scopes) or 'no scope'}; one of {' '.join(sorted(wanted))}"
        )
