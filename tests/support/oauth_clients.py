"""A pool with one client of each kind, as a directory in memory, for what needs no store."""

from dataclasses import dataclass, field
from typing import TypeVar

from auth.client import Client
from auth.errors import ResourceNotFound
from auth.pool import Pool

T = TypeVar("T")

AUTH_URL = "https://auth.example"
POOL = Pool(
    pool_id="us-east-1_Main00001",
    name="main",
    resource_servers={"notes": {"read": "Read notes", "write": "Change notes"}},
)
ISSUER = f"{AUTH_URL}/{POOL.pool_id}"
CALLBACK = "https://app.example/callback"
SCOPES = ("openid", "email", "phone", "profile", "notes/read", "notes/write")
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

PUBLIC = Client(
    client_id="public",
    pool_id=POOL.pool_id,
    name="public",
    flows=frozenset({"code"}),
    redirect_uris=(CALLBACK, "http://127.0.0.1/callback", "https://app.example/other?kept=1"),
    logout_uris=("https://app.example/bye",),
    scopes=SCOPES,
)
SECRET = Client(
    client_id="secret",
    pool_id=POOL.pool_id,
    name="secret",
    flows=frozenset({"code"}),
    redirect_uris=(CALLBACK, "http://127.0.0.1/callback"),
    scopes=SCOPES,
    has_secret=True,
)
IMPLICIT = Client(
    client_id="implicit",
    pool_id=POOL.pool_id,
    name="implicit",
    flows=frozenset({"implicit"}),
    redirect_uris=(CALLBACK,),
    scopes=("openid",),
)
JOBS = Client(
    client_id="jobs",
    pool_id=POOL.pool_id,
    name="jobs",
    flows=frozenset({"client_credentials"}),
    scopes=("openid", "notes/read", "notes/write"),
    has_secret=True,
)
CLOSED = Client(
    client_id="closed",
    pool_id=POOL.pool_id,
    name="closed",
    flows=frozenset({"code"}),
    redirect_uris=(CALLBACK,),
    is_closed=True,
)


@dataclass(frozen=True)
class FixedDirectory:
    pools: tuple[Pool, ...] = (POOL,)
    clients: tuple[Client, ...] = field(default=(PUBLIC, SECRET, IMPLICIT, JOBS, CLOSED))

    def pool(self, pool_id: str) -> Pool:
        return _by("pool_id", pool_id, self.pools)

    def client(self, client_id: str) -> Client:
        return _by("client_id", client_id, self.clients)


def _by(name: str, value: str, things: tuple[T, ...]) -> T:
    for thing in things:
        if getattr(thing, name) == value:
            return thing
    raise ResourceNotFound
