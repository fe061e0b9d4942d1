"""Everything that the dialects of the user pool speak through, in one frozen value.

Pages and OAuth endpoints get an `Identity` and nothing else: who wants a flow takes it from here and runs it on the
lane that its doc names. `lockgate` makes one; a changed setting makes another one over the same store and lanes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from starlette.requests import HTTPConnection

from auth.core.steps import Origin
from auth.errors import ResourceNotFound
from auth.lanes import Lane, PoolLanes
from auth.pool import Pool
from auth.store.ports import Store
from kit.forwarded import NO_TRUST, ProxyTrust, peer_of

if TYPE_CHECKING:  # their names only: whoever builds an identity has imported them
    from auth.directory import Directory
    from auth.flows.account import Account
    from auth.flows.administration import Administration
    from auth.flows.api_sessions import ApiSessions
    from auth.flows.management import Management
    from auth.flows.recovery import Recovery
    from auth.flows.refresh import Refresh
    from auth.flows.second_factor import SecondFactor
    from auth.flows.sign_in import SignIn
    from auth.flows.sign_up import SignUp
    from auth.flows.srp_sign_in import SrpSignIn
    from auth.mail.outbox import Outbox
    from auth.sessions import Sessions
    from auth.tokens.judge import Judge
    from auth.tokens.keyring import KeyRing
    from auth.tokens.tokens import Tokens


LaneName = Literal["store", "passwords"]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """:param store: quick work on the database. :param passwords: whatever may hash one: polite, a few threads.

    :param triggers: whatever may wait for a function of the user's, apart for each pool: time for three attempts.
    """

    store: Lane
    passwords: Lane
    triggers: PoolLanes

    def close(self) -> None:
        self.store.close()
        self.passwords.close()
        self.triggers.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """:param auth_url: where clients reach us, without a slash at its end; every URL is built from it (A13).

    :param trust: front proxies that may say whom they speak for.
    """

    auth_url: str
    store: Store
    lanes: Lanes
    directory: "Directory"
    sign_in: "SignIn"
    srp_sign_in: "SrpSignIn"
    refresh: "Refresh"
    api_sessions: "ApiSessions"
    sign_up: "SignUp"
    recovery: "Recovery"
    second_factor: "SecondFactor"
    account: "Account"
    administration: "Administration"
    management: "Management"
    keyring: "KeyRing"
    tokens: "Tokens"
    judge: "Judge"
    sessions: "Sessions"
    outbox: "Outbox"
    trust: ProxyTrust = NO_TRUST
    clock: Callable[[], datetime] = utc_now

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach us by https: cookies are ``__Host-`` and ``Secure`` then (B2)."""
        return self.auth_url.startswith("https://")

    def lane_for(self, pool: Pool | None, name: LaneName, *, asks: bool = True) -> Lane:
        """Where work for *pool* runs: whatever may ask a trigger waits apart, so that a slow function holds up nobody
        else. :param pool: None: it is not known yet, so any pool's triggers count. :param asks: False: it never asks
        one, so a trigger may ask for it while all threads of its pool wait for triggers.
        """
        waits = any(each.triggers for each in self.directory.pools()) if pool is None else pool.triggers
        if waits and asks:
            return self.lanes.triggers.of("" if pool is None else pool.pool_id)
        return self.lanes.store if name == "store" else self.lanes.passwords

    def lane_of_client(self, client_id: str | None, name: LaneName) -> Lane:
        """:param client_id: as somebody says it, before anything has judged it; it chooses a lane and no more."""
        try:
            pool = self.directory.pool(self.directory.client(client_id or "").pool_id)
        except ResourceNotFound:
            pool = None
        return self.lane_for(pool, name)

    def issuer_of(self, pool_id: str) -> str:
        return issuer_of(self.auth_url, pool_id)

    def origin_of(self, request: HTTPConnection) -> Origin:
        """Who asks: the peer, or whom a front proxy of ours names."""
        return Origin(address=self.address_of(request))

    def address_of(self, request: HTTPConnection) -> str:
        client = request.scope.get("client")
        peer = peer_of(None if client is None else tuple(client))
        if not self.trust.trusts(peer):
            return peer
        fields = request.scope["headers"]
        return self.trust.origin(fields, peer=peer, scheme="http", port=0).source_ip


def issuer_of(auth_url: str, pool_id: str) -> str:
    """As tokens and discovery name it: ``<auth_url>/<pool id>``."""
    return f"{auth_url}/{pool_id}"
