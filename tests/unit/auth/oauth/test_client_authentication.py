"""Which client asks: what a directory and a list of secrets say of it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from authlib.oauth2.rfc6749 import OAuth2Error

from auth.audit import Audit
from auth.client import Client
from auth.oauth.client_authentication import AuthenticatedClient, ClientAuthentication
from auth.pool import Pool
from auth.store.ports import AttemptKind, Attempts, AuditRecord, LockRule
from tests.support.oauth_clients import POOL, PUBLIC, SECRET

NOW = datetime(2027, 1, 15, tzinfo=UTC)
TEXT = "a-secret-of-this-client"


@dataclass
class Books:
    """A directory of one client, its secret, and everything that is written down."""

    client: Client
    pool: Pool = POOL
    failures: list[str] = field(default_factory=list)
    records: list[AuditRecord] = field(default_factory=list)

    def authenticate(self, **form: str) -> AuthenticatedClient:
        directory = _Directory(self)
        judge = ClientAuthentication(directory, self, self, Audit(self))  # type: ignore[arg-type]
        return judge.authenticate(
            {"client_id": self.client.client_id} | form, None, address="192.0.2.7", now=NOW
        )

    def client_secrets(self, client_id: str, now: datetime) -> tuple[str, ...]:
        return (TEXT,)

    def count(self, pool_id: str, kind: AttemptKind, subject: str, rule: LockRule, now: datetime) -> int:
        self.failures.append(subject)
        return len(self.failures)

    def clear(self, pool_id: str, kind: AttemptKind, subject: str) -> None:
        self.failures.clear()

    def read(self, pool_id: str, kind: AttemptKind, subject: str) -> Attempts | None:
        return None

    def append(self, record: AuditRecord) -> None:
        self.records.append(record)


@dataclass
class _Directory:
    books: Books

    def client(self, _: str) -> Client:
        return self.books.client

    def pool(self, _: str) -> Pool:
        return self.books.pool


@pytest.mark.parametrize(
    "books",
    [
        pytest.param(Books(replace(SECRET, is_closed=True)), id="client"),
        pytest.param(Books(SECRET, replace(POOL, is_closed=True)), id="pool"),
    ],
)
def test_a_closed_client_refreshes_nothing(books: Books) -> None:
    """A8: taken out of the file, or its pool: its good secret opens nothing. Twin: the same, open."""
    with pytest.raises(OAuth2Error, match="invalid_client"):
        books.authenticate(client_secret=TEXT)
    assert Books(SECRET).authenticate(client_secret=TEXT).client == SECRET


def test_a_wrong_secret_is_counted_and_written_down() -> None:
    """A17, L4: for this client and address; neither has the secret. Twin: the right one is neither."""
    books = Books(SECRET)
    with pytest.raises(OAuth2Error, match="invalid_client"):
        books.authenticate(client_secret="another")
    assert books.failures == ["secret 192.0.2.7"]
    assert [(record.action, record.target) for record in books.records] == [("client_refused", "secret")]
    assert "another" not in repr(books.records)
    good = Books(SECRET)
    good.authenticate(client_secret=TEXT)
    assert (good.failures, good.records) == ([], [])


def test_a_client_without_a_secret_sends_none() -> None:
    """A17: who thinks that it has one is mistaken for another. Twin: its id alone."""
    with pytest.raises(OAuth2Error, match="invalid_client"):
        Books(PUBLIC).authenticate(client_secret="anything")
    assert Books(PUBLIC).authenticate().client == PUBLIC
