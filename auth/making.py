"""Puts the flows together over one store: what every process that serves or administers user pools begins with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from auth.audit import Audit
from auth.core.lockout import Limits
from auth.directory import Directory
from auth.flows.account import Account
from auth.flows.administration import Administration
from auth.flows.api_sessions import ApiSessions
from auth.flows.management import make_management
from auth.flows.password_hasher import PasswordHasher
from auth.flows.recovery import Recovery
from auth.flows.refresh import Refresh
from auth.flows.second_factor import SecondFactor
from auth.flows.sign_in import SignIn
from auth.flows.sign_up import SignUp
from auth.flows.srp_sign_in import SrpSignIn
from auth.flows.tools import Tools
from auth.flows.triggers import NO_TRIGGERS, Triggers
from auth.identity import Identity, Lanes, issuer_of, utc_now
from auth.mail.message import Message
from auth.mail.outbox import Outbox
from auth.sessions import Sessions
from auth.store.ports import AuditStore, Store
from auth.tokens.judge import Judge
from auth.tokens.keyring import KeyRing
from auth.tokens.tokens import Tokens
from kit.forwarded import ProxyTrust
from kit.names import Names

DEFAULT_NAMES = Names()


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What outlives every reload. :param audit: where records go: the store's, or somebody who counts them on the way.

    :param decoy_key: see `auth.flows.tools.Tools`."""

    store: Store
    lanes: Lanes
    outbox: Outbox
    hasher: PasswordHasher
    keyring: KeyRing
    audit: AuditStore
    decoy_key: bytes = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = utc_now
    triggers: Triggers = NO_TRIGGERS

    def tools(self) -> Tools:
        return Tools(
            store=self.store,
            hasher=self.hasher,
            audit=Audit(self.audit),
            post=self._post,
            decoy_key=self.decoy_key,
            limits=self.limits,
            triggers=self.triggers,
        )

    def _post(self, message: Message) -> None:
        self.outbox.post(message)  # what has no room is counted there


def make_identity(
    foundation: Foundation, *, auth_url: str, trust: ProxyTrust, names: Names = DEFAULT_NAMES
) -> Identity:
    """:raises InvalidParameter: the address cannot be one of login pages."""
    tools = foundation.tools()
    directory = Directory(foundation.store.pools)

    def issuer(pool_id: str) -> str:
        return issuer_of(auth_url, pool_id)

    sign_in = SignIn(tools)
    tokens = Tokens(foundation.keyring, issuer, triggers=foundation.triggers)
    return Identity(
        auth_url=auth_url,
        store=foundation.store,
        lanes=foundation.lanes,
        directory=directory,
        sign_in=sign_in,
        srp_sign_in=SrpSignIn(tools, sign_in),
        refresh=Refresh(foundation.store.grants, tools.audit),
        api_sessions=ApiSessions(foundation.store.grants, tokens),
        sign_up=SignUp(tools),
        recovery=Recovery(tools),
        second_factor=SecondFactor(tools),
        account=Account(tools),
        administration=Administration(tools),
        management=make_management(tools, directory, foundation.keyring, names),
        keyring=foundation.keyring,
        tokens=tokens,
        judge=Judge(foundation.keyring, issuer),
        sessions=Sessions(foundation.store.browser_sessions, auth_url),
        outbox=foundation.outbox,
        trust=trust,
        clock=foundation.clock,
    )
