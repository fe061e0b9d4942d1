"""The user pool's tables. Nothing in them is a secret that could be used as it stands: see `auth.sealing`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.sql import Key, UtcMs

VERSION_TABLE = "alembic_version_auth"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# On SQLite only INTEGER numbers rows by itself.
_Sequence = BigInteger().with_variant(Integer, "sqlite")


def _key(name: str) -> Column[str]:
    return Column(name, Key, primary_key=True)


def _pool_key() -> Column[str]:
    return Column("pool_id", ForeignKey("pools.pool_id", ondelete="CASCADE"), primary_key=True, type_=Key)


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["pool_id", "sub"], ["users.pool_id", "users.sub"], ondelete="CASCADE")


def _of_grant() -> ForeignKey:
    return ForeignKey("grants.grant_id", ondelete="CASCADE")


# Which key has sealed rows of this database. `proof` opens with that key only.
sealing = Table(
    "sealing",
    metadata,
    Column("key_id", LargeBinary, primary_key=True),
    Column("proof", LargeBinary, nullable=False),
    Column("created_at", UtcMs, nullable=False),
)

# What caches compare: `pools`, and `keys:POOL`.
versions = Table(
    "versions",
    metadata,
    _key("name"),
    Column("value", BigInteger, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    _key("pool_id"),
    Column("name", Key, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("config_version", BigInteger, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    Column("orphaned_at", UtcMs),
)

clients = Table(
    "clients",
    metadata,
    _key("client_id"),
    Column("pool_id", ForeignKey("pools.pool_id", ondelete="CASCADE"), nullable=False, type_=Key),
    Column("name", Key, nullable=False),
    Column("source", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    Column("orphaned_at", UtcMs),
    UniqueConstraint("pool_id", "name"),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("client_id", ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True, type_=Key),
    _key("secret_id"),
    Column("sha256", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, index=True),
)

groups = Table(
    "groups",
    metadata,
    _pool_key(),
    _key("name"),
    Column("precedence", Integer),
    Column("role_arn", Text),
    Column("description", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
)

users = Table(
    "users",
    metadata,
    _pool_key(),
    _key("sub"),
    Column("username", Text, nullable=False),
    Column("username_key", Key, nullable=False),
    Column("status", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("mfa", JSON, nullable=False),
    Column("tokens_valid_from", UtcMs, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    UniqueConstraint("pool_id", "username_key"),
    Index(None, "pool_id", "status", "sub"),
    Index(None, "pool_id", "enabled", "sub"),
)

# A row *is* the right to sign in with that address.
user_aliases = Table(
    "user_aliases",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("kind"),
    _key("alias_key"),
    Column("sub", Key, nullable=False),
    _of_user(),
    Index(None, "pool_id", "alias_key"),
    Index(None, "pool_id", "sub"),
)

# What users are listed by. `value_key` is folded and cut: the row that it leads to is compared again.
user_index = Table(
    "user_index",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("name"),
    _key("value_key"),
    _key("sub"),
    _of_user(),
    Index(None, "pool_id", "sub"),
)

group_members = Table(
    "group_members",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("sub"),
    _key("group_name"),
    Column("added_at", UtcMs, nullable=False),
    _of_user(),
    ForeignKeyConstraint(["pool_id", "group_name"], ["groups.pool_id", "groups.name"], ondelete="CASCADE"),
    Index(None, "pool_id", "group_name", "sub"),
)

passwords = Table(
    "passwords",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("sub"),
    Column("hash", Text, nullable=False),
    Column("set_at", UtcMs, nullable=False),
    Column("temporary_until", UtcMs),
    _of_user(),
)

# Stale, and as good as none, unless `password_set_at` is that of the password. Only in pools with an SRP client.
srp_verifiers = Table(
    "srp_verifiers",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("sub"),
    Column("user_id", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("verifier", LargeBinary, nullable=False),
    Column("password_set_at", UtcMs, nullable=False),
    _of_user(),
)

# `pending` is a new seed that its user has not confirmed; `secret` works until then.
totp = Table(
    "totp",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("sub"),
    Column("secret", LargeBinary),
    Column("pending", LargeBinary),
    Column("name", Text, nullable=False),
    Column("confirmed_at", UtcMs),
    _of_user(),
)

totp_used = Table(
    "totp_used",
    metadata,
    Column("pool_id", Key, primary_key=True),
    _key("sub"),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
    _of_user(),
)

# The three below know subjects, not users: people who do not exist are treated alike.
codes = Table(
    "codes",
    metadata,
    _key("pool_id"),
    _key("subject"),
    _key("purpose"),
    Column("mac", LargeBinary, nullable=False),
    Column("destination", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
)

# `was_refused`: of the last attempt. By it the statement that counts says what it decided.
attempts = Table(
    "attempts",
    metadata,
    _key("pool_id"),
    _key("kind"),
    _key("subject"),
    Column("failures", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("was_refused", Boolean, nullable=False),
    Column("last_at", UtcMs, nullable=False),
    Column("locked_until", UtcMs),
    Column("expires_at", UtcMs, nullable=False, index=True),
)

challenges = Table(
    "challenges",
    metadata,
    Column("handle", LargeBinary, primary_key=True),
    Column("pool_id", Key, nullable=False),
    Column("client_id", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("sub", Key),
    Column("state", LargeBinary, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
    Index(None, "pool_id", "subject"),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("handle", LargeBinary, primary_key=True),
    Column("pool_id", ForeignKey("pools.pool_id", ondelete="CASCADE"), nullable=False, type_=Key),
    Column("sub", Key),
    Column("auth_time", UtcMs),
    Column("amr", JSON, nullable=False),
    Column("csrf", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("idle_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
    _of_user(),
    Index(None, "pool_id", "sub"),
)

# One a sign-in. `proven_at`: when its holder last proved who they are; sign-outs before it do not count.
grants = Table(
    "grants",
    metadata,
    _key("grant_id"),
    Column("pool_id", Key, nullable=False),
    Column("client_id", Key, nullable=False),
    Column("sub", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("auth_time", UtcMs, nullable=False),
    Column("amr", JSON, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("proven_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
    Column("revoked_at", UtcMs),
    Column("revoked_why", Text),
    _of_user(),
    Index(None, "pool_id", "sub"),
)

# Kept for a while after they were redeemed: a second use is noticed.
authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("handle", LargeBinary, primary_key=True),
    Column("grant_id", _of_grant(), nullable=False, index=True, type_=Key),
    Column("client_id", Key, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
    Column("redeemed_at", UtcMs),
)

# One row a family for ever: the token of each generation is computed from its secret.
refresh_families = Table(
    "refresh_families",
    metadata,
    Column("grant_id", _of_grant(), primary_key=True, type_=Key),
    Column("secret", LargeBinary, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("rotated_at", UtcMs),
    Column("expires_at", UtcMs, nullable=False),
)

# What judges of tokens elsewhere follow, as long as a token could live.
revocations = Table(
    "revocations",
    metadata,
    Column("seq", _Sequence, primary_key=True),
    Column("pool_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Key, nullable=False),
    Column("not_before", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False, index=True),
)

keys = Table(
    "keys",
    metadata,
    _pool_key(),
    _key("kid"),
    Column("use", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("public_jwk", JSON, nullable=False),
    Column("private", LargeBinary, nullable=False),
    Column("published_at", UtcMs, nullable=False),
    Column("activated_at", UtcMs),
    Column("retired_at", UtcMs),
    Column("expires_at", UtcMs, index=True),
)
for _state in ("current", "next"):  # one winner, whoever else rotates at the same time
    _only = text(f"state = '{_state}'")
    Index(
        f"uq_keys_{_state}",
        keys.c.pool_id,
        keys.c.use,
        unique=True,
        sqlite_where=_only,
        postgresql_where=_only,
    )

# Triggers refuse to change or delete what is in it.
audit = Table(
    "audit",
    metadata,
    Column("seq", _Sequence, primary_key=True),
    Column("at", UtcMs, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("pool_id", Key, nullable=False, index=True),
    Column("target", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
