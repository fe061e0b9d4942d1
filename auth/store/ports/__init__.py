"""What the flows ask of a store. Verbs: each is one transaction, decided by one statement (`docs` name it).

All are synchronous and are called on a worker thread. Times arrive as aware UTC; random handles arrive as the secret
text that the client holds and are kept as SHA-256; short codes arrive as text and are kept as HMACs.
Every method may raise `auth.errors.Unavailable`: the database does not answer.
"""

from datetime import datetime
from typing import Protocol

from auth.store.ports.audit import AuditRecord as AuditRecord
from auth.store.ports.audit import AuditStore as AuditStore
from auth.store.ports.grants import (
    BrowserSession as BrowserSession,
)
from auth.store.ports.grants import (
    BrowserSessionStore as BrowserSessionStore,
)
from auth.store.ports.grants import (
    GrantStore as GrantStore,
)
from auth.store.ports.grants import (
    NewCode as NewCode,
)
from auth.store.ports.grants import (
    RedeemedCode as RedeemedCode,
)
from auth.store.ports.grants import (
    Rotated as Rotated,
)
from auth.store.ports.groups import GroupPage as GroupPage
from auth.store.ports.groups import GroupStore as GroupStore
from auth.store.ports.keys import (
    KeyState as KeyState,
)
from auth.store.ports.keys import (
    KeyStore as KeyStore,
)
from auth.store.ports.keys import (
    KeyUse as KeyUse,
)
from auth.store.ports.keys import (
    StoredKey as StoredKey,
)
from auth.store.ports.management import ClientSecret as ClientSecret
from auth.store.ports.management import ManagementStore as ManagementStore
from auth.store.ports.moving import (
    MovedUser as MovedUser,
)
from auth.store.ports.moving import (
    MovingStore as MovingStore,
)
from auth.store.ports.people import (
    NewUser as NewUser,
)
from auth.store.ports.people import (
    StoredPassword as StoredPassword,
)
from auth.store.ports.people import (
    UserPage as UserPage,
)
from auth.store.ports.people import (
    UserStore as UserStore,
)
from auth.store.ports.pools import Declared as Declared
from auth.store.ports.pools import PoolStore as PoolStore
from auth.store.ports.secrets import (
    AttemptKind as AttemptKind,
)
from auth.store.ports.secrets import (
    Attempts as Attempts,
)
from auth.store.ports.secrets import (
    AttemptStore as AttemptStore,
)
from auth.store.ports.secrets import (
    ChallengeStore as ChallengeStore,
)
from auth.store.ports.secrets import (
    CodePurpose as CodePurpose,
)
from auth.store.ports.secrets import (
    CodeStore as CodeStore,
)
from auth.store.ports.secrets import (
    ConfirmUser as ConfirmUser,
)
from auth.store.ports.secrets import (
    Effect as Effect,
)
from auth.store.ports.secrets import (
    LockRule as LockRule,
)
from auth.store.ports.secrets import (
    ResetPassword as ResetPassword,
)
from auth.store.ports.secrets import (
    SoftwareTokenStore as SoftwareTokenStore,
)
from auth.store.ports.secrets import (
    VerifyAttribute as VerifyAttribute,
)
from auth.store.ports.srp import SrpStore as SrpStore
from auth.store.ports.srp import SrpVerifier as SrpVerifier


class Store(Protocol):
    """All of them over one database."""

    @property
    def pools(self) -> PoolStore: ...
    @property
    def management(self) -> ManagementStore: ...
    @property
    def users(self) -> UserStore: ...
    @property
    def moving(self) -> MovingStore: ...
    @property
    def attempts(self) -> AttemptStore: ...
    @property
    def codes(self) -> CodeStore: ...
    @property
    def challenges(self) -> ChallengeStore: ...
    @property
    def software_tokens(self) -> SoftwareTokenStore: ...
    @property
    def srp(self) -> SrpStore: ...
    @property
    def browser_sessions(self) -> BrowserSessionStore: ...
    @property
    def grants(self) -> GrantStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def audit(self) -> AuditStore: ...

    def clean(self, now: datetime, *, limit: int) -> int:
        """Delete expired rows in a small batch, for the janitor. :returns: how many."""
        ...

    def close(self) -> None: ...
