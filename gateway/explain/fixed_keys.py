"""Keys that are what they are: of a file, or as they were last fetched. The `Keys` port without an issuer behind it."""

from gateway.authorizers.jwt.authorizer import JwtAuthorizer
from gateway.authorizers.jwt.spec import JwtSpec
from gateway.explain.token_steps import Judged
from gateway.issuers.events import IssuerSnapshot
from kit.jwt.keys import KeySet, VerificationKey


class FixedKeys:
    """:param age_s: since they were fetched; None: nobody knows."""

    def __init__(self, issuer: str, keys: KeySet, age_s: float | None = None) -> None:
        self.generation = 0
        self._issuer = issuer
        self._keys = keys
        self._age_s = age_s

    def get(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)

    def peek(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        return self._keys.get(kid)

    def snapshot(self) -> IssuerSnapshot:
        return IssuerSnapshot(
            issuer=self._issuer,
            kids=self._keys.kids,
            state="fresh" if self._keys else "none",
            age_s=self._age_s,
            last_error=None,
            fetches={},
        )


def judge(spec: JwtSpec, keys: FixedKeys, text: str, now_s: float) -> Judged:
    """What an authorizer of *spec* makes of a bare token, with these keys and at that moment."""
    return Judged(
        verdict=JwtAuthorizer(spec, keys).judge(text, now_s),
        text=text,
        spec=spec,
        scopes=(),
        now_s=now_s,
        issuer=keys.snapshot(),
    )
