"""A user pool on a real store (SQLite in a folder of the test's), with everything that speaks to people around it.

Passwords are hashed as in production but for the cost of it; mails are kept in a list, and tests take codes from there;
the clock stands until a test moves it.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

from auth.audit import Audit
from auth.client import Client
from auth.core.lockout import Limits
from auth.core.steps import Origin, SignedIn, Step
from auth.core.totp import STEP_S, code_at, secret_of
from auth.directory import Directory
from auth.flows.account import Account
from auth.flows.administration import Administration
from auth.flows.password_hasher import PasswordHasher
from auth.flows.recovery import Recovery
from auth.flows.second_factor import SecondFactor
from auth.flows.sign_in import SignIn
from auth.flows.sign_up import SignUp
from auth.flows.tools import PEOPLES_LIMITS, Tools
from auth.flows.triggers import NO_TRIGGERS, Triggers
from auth.key_file import KeyFile
from auth.mail.message import Message
from auth.pool import Pool
from auth.store.ports import Declared, Store
from auth.store.sql.store import open_store
from auth.user import User

START = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
POOL = Pool(pool_id="us-east-1_Main00001", name="main", self_sign_up=True)
CLIENT = Client(
    client_id="weeeeeeeeeeeeeeeeeeeeeeeeb",
    pool_id=POOL.pool_id,
    name="web",
    flows=frozenset({"code", "refresh"}),
    redirect_uris=("https://app.example/callback",),
    scopes=("openid", "email", "profile"),
    rotates_refresh=True,
)
ORIGIN = Origin(address="192.0.2.7")
PASSWORD = "correct horse battery"
_CODE = re.compile(r"\b\d{6}\b")


class Clock:
    """Stands still. Called, it says the time."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class CountingHasher(PasswordHasher):
    """Fast parameters. :ivar work: every hash that was computed, as ``hash`` or ``verify``."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, passes=1)
        self.work: list[str] = []

    def hash(self, text: str) -> str:
        self.work.append("hash")
        return super().hash(text)

    def verify(self, hash: str | None, text: str) -> Any:
        self.work.append("verify")
        return super().verify(hash, text)


class UserPool:
    """`with UserPool(tmp_path) as people:`. Changes of *pool* and *client* by keyword: ``mfa="required"``.

    :param store: of somebody else, and then closed by them. :param functions: what the pool's triggers are asked.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pool: Pool = POOL,
        client: Client = CLIENT,
        limits: Limits = PEOPLES_LIMITS,
        store: Store | None = None,
        functions: Triggers = NO_TRIGGERS,
        **changes: Any,
    ) -> None:
        self.clock = Clock()
        self.mails: list[Message] = []
        self.hasher = CountingHasher()
        self.pool = replace(pool, **changes)
        self.client = client
        self._is_own_store = store is None
        self.store = _fresh_store(folder) if store is None else store
        self.store.pools.declare([Declared(pool=self.pool, clients=(self.client,))], self.now)
        self.directory = Directory(self.store.pools)
        self.directory.refresh(self.now)
        self.pool = self.directory.pool(self.pool.pool_id)
        self.client = self.directory.client(self.client.client_id)
        self.tools = Tools(
            store=self.store,
            hasher=self.hasher,
            audit=Audit(self.store.audit),
            post=self.mails.append,
            decoy_key=b"a key of this test, and no other",
            limits=limits,
            triggers=functions,
        )
        self.sign_in = SignIn(self.tools)
        self.sign_up = SignUp(self.tools)
        self.recovery = Recovery(self.tools)
        self.second_factor = SecondFactor(self.tools)
        self.account = Account(self.tools)
        self.administration = Administration(self.tools)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_own_store:
            self.store.close()

    @property
    def now(self) -> datetime:
        return self.clock.now

    # --- people ---

    def add(
        self,
        username: str = "ada",
        password: str = PASSWORD,
        *,
        email: str | None = "ada@example.com",
        is_permanent: bool = True,
        groups: Sequence[str] = (),
        **attributes: str,
    ) -> User:
        """Somebody whom an operator made, with a verified address; CONFIRMED."""
        given = dict(attributes)
        if email is not None:
            given |= {"email": email, "email_verified": given.get("email_verified", "true")}
        made = self.administration.create_user(
            self.pool,
            username,
            given,
            password=password,
            is_permanent=is_permanent,
            invites=False,
            groups=groups,
            now=self.now,
        )
        return made.user

    def user(self, username: str = "ada") -> User:
        return self.administration.show(self.pool, username)

    def with_app(self, username: str = "ada") -> bytes:
        """Give *username* an authenticator app and switch it on. :returns: its seed."""
        sub = self.user(username).sub
        seed = secret_of(self.second_factor.associate(self.pool, sub, now=self.now))
        self.second_factor.verify(self.pool, sub, self.app_code(seed), "phone", now=self.now)
        self.second_factor.prefer(self.pool, sub, software_token=True, now=self.now)
        self.clock.move(2 * STEP_S)  # that code is used
        return seed

    def app_code(self, seed: bytes, *, steps: int = 0) -> str:
        """What the app shows now, or so many steps later."""
        return code_at(seed, int(self.now.timestamp()) // STEP_S + steps)

    # --- what they do, in short ---

    def log_in(self, username: str = "ada", password: str = PASSWORD, *, origin: Origin = ORIGIN) -> Step:
        return self.sign_in.begin(self.pool, self.client, username, password, origin=origin, now=self.now)

    def answer(self, name: Any, handle: str, answers: Mapping[str, str]) -> Step:
        return self.sign_in.answer(self.pool, self.client, name, handle, answers, origin=ORIGIN, now=self.now)

    def is_let_in(self, username: str = "ada", password: str = PASSWORD) -> bool:
        """Whether that password alone signs them in. Errors other than a refusal are raised."""
        return isinstance(self.log_in(username, password), SignedIn)

    # --- what they were sent ---

    def code(self) -> str:
        """The one in the newest mail that holds one."""
        for mail in reversed(self.mails):
            found = _CODE.search(mail.text)
            if found is not None:
                return found.group()
        raise AssertionError("no mail holds a code")

    def wrong_code(self) -> str:
        """A code that is not the one in the newest mail."""
        return "000000" if self.code() != "000000" else "000001"

    def purposes(self) -> list[str]:
        return [mail.purpose for mail in self.mails]

    def audited(self) -> list[tuple[str, str]]:
        """(action, result) of all audit records, oldest first."""
        return [(record.action, record.result) for record in reversed(self.store.audit.read(limit=1000))]


def _fresh_store(folder: Path) -> Store:
    """A copy of one that was migrated once: a tenth of the time."""
    template = _template()
    for name in ("auth.db", "key"):
        shutil.copy(template / name, folder / name)
    return open_store(f"sqlite:///{folder}/auth.db", KeyFile.open_or_make(folder / "key"))


@cache
def _template() -> Path:
    made = tempfile.TemporaryDirectory(prefix="lockgate-user-pool-")
    folder = Path(made.name)
    open_store(f"sqlite:///{folder}/auth.db", KeyFile.open_or_make(folder / "key")).close()
    _kept.append(made)
    return folder


_kept: list[tempfile.TemporaryDirectory[str]] = []  # until the process ends
