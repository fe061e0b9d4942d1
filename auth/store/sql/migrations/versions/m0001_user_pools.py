"""The first schema: pools, people, grants, keys and the audit."""

import sqlalchemy as sa
from alembic import op

from kit.sql import Key, UtcMs

revision = "0001"
down_revision = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _tables()
    _audit_is_append_only()


def _tables() -> None:
    op.create_table(
        "attempts",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("subject", Key, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("was_refused", sa.Boolean(), nullable=False),
        sa.Column("last_at", UtcMs(), nullable=False),
        sa.Column("locked_until", UtcMs(), nullable=True),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "kind", "subject", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_expires_at"), "attempts", ["expires_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("at", UtcMs(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("source_ip", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_pool_id"), "audit", ["pool_id"], unique=False)
    op.create_table(
        "challenges",
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("subject", Key, nullable=False),
        sa.Column("sub", Key, nullable=True),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_challenges")),
    )
    op.create_index(op.f("ix_challenges_expires_at"), "challenges", ["expires_at"], unique=False)
    op.create_index(op.f("ix_challenges_pool_id_subject"), "challenges", ["pool_id", "subject"], unique=False)
    op.create_table(
        "codes",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("subject", Key, nullable=False),
        sa.Column("purpose", Key, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("pool_id", "subject", "purpose", name=op.f("pk_codes")),
    )
    op.create_index(op.f("ix_codes_expires_at"), "codes", ["expires_at"], unique=False)
    op.create_table(
        "pools",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("config_version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("updated_at", UtcMs(), nullable=False),
        sa.Column("orphaned_at", UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("pool_id", name=op.f("pk_pools")),
        sa.UniqueConstraint("name", name=op.f("uq_pools_name")),
    )
    op.create_table(
        "revocations",
        sa.Column("seq", SEQUENCE, nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", Key, nullable=False),
        sa.Column("not_before", UtcMs(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_revocations")),
    )
    op.create_index(op.f("ix_revocations_expires_at"), "revocations", ["expires_at"], unique=False)
    op.create_table(
        "sealing",
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_sealing")),
    )
    op.create_table(
        "versions",
        sa.Column("name", Key, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_versions")),
    )
    op.create_table(
        "clients",
        sa.Column("client_id", Key, nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("updated_at", UtcMs(), nullable=False),
        sa.Column("orphaned_at", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.pool_id"], name=op.f("fk_clients_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_clients")),
        sa.UniqueConstraint("pool_id", "name", name=op.f("uq_clients_pool_id_name")),
    )
    op.create_table(
        "groups",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=True),
        sa.Column("role_arn", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("updated_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.pool_id"], name=op.f("fk_groups_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pool_id", "name", name=op.f("pk_groups")),
    )
    op.create_table(
        "keys",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("kid", Key, nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", UtcMs(), nullable=False),
        sa.Column("activated_at", UtcMs(), nullable=True),
        sa.Column("retired_at", UtcMs(), nullable=True),
        sa.Column("expires_at", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.pool_id"], name=op.f("fk_keys_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pool_id", "kid", name=op.f("pk_keys")),
    )
    op.create_index(op.f("ix_keys_expires_at"), "keys", ["expires_at"], unique=False)
    op.create_index(
        "uq_keys_current",
        "keys",
        ["pool_id", "use"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    op.create_index(
        "uq_keys_next",
        "keys",
        ["pool_id", "use"],
        unique=True,
        sqlite_where=sa.text("state = 'next'"),
        postgresql_where=sa.text("state = 'next'"),
    )
    op.create_table(
        "users",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", Key, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("mfa", sa.JSON(), nullable=False),
        sa.Column("tokens_valid_from", UtcMs(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("updated_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.pool_id"], name=op.f("fk_users_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", name=op.f("pk_users")),
        sa.UniqueConstraint("pool_id", "username_key", name=op.f("uq_users_pool_id_username_key")),
    )
    op.create_index(
        op.f("ix_users_pool_id_enabled_sub"), "users", ["pool_id", "enabled", "sub"], unique=False
    )
    op.create_index(op.f("ix_users_pool_id_status_sub"), "users", ["pool_id", "status", "sub"], unique=False)
    op.create_table(
        "browser_sessions",
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=True),
        sa.Column("auth_time", UtcMs(), nullable=True),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("csrf", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("idle_at", UtcMs(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_browser_sessions_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pools.pool_id"], name=op.f("fk_browser_sessions_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_browser_sessions")),
    )
    op.create_index(op.f("ix_browser_sessions_expires_at"), "browser_sessions", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_browser_sessions_pool_id_sub"), "browser_sessions", ["pool_id", "sub"], unique=False
    )
    op.create_table(
        "client_secrets",
        sa.Column("client_id", Key, nullable=False),
        sa.Column("secret_id", Key, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_client_secrets_client_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", "secret_id", name=op.f("pk_client_secrets")),
    )
    op.create_index(op.f("ix_client_secrets_expires_at"), "client_secrets", ["expires_at"], unique=False)
    op.create_table(
        "grants",
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("auth_time", UtcMs(), nullable=False),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("created_at", UtcMs(), nullable=False),
        sa.Column("proven_at", UtcMs(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.Column("revoked_at", UtcMs(), nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_grants_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_expires_at"), "grants", ["expires_at"], unique=False)
    op.create_index(op.f("ix_grants_pool_id_sub"), "grants", ["pool_id", "sub"], unique=False)
    op.create_table(
        "group_members",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("group_name", Key, nullable=False),
        sa.Column("added_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "group_name"],
            ["groups.pool_id", "groups.name"],
            name=op.f("fk_group_members_pool_id_group_name"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_group_members_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", "group_name", name=op.f("pk_group_members")),
    )
    op.create_index(
        op.f("ix_group_members_pool_id_group_name_sub"),
        "group_members",
        ["pool_id", "group_name", "sub"],
        unique=False,
    )
    op.create_table(
        "passwords",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("set_at", UtcMs(), nullable=False),
        sa.Column("temporary_until", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_passwords_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", name=op.f("pk_passwords")),
    )
    op.create_table(
        "totp",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("pending", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("confirmed_at", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_totp_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", name=op.f("pk_totp")),
    )
    op.create_table(
        "totp_used",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_totp_used_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", "step", name=op.f("pk_totp_used")),
    )
    op.create_index(op.f("ix_totp_used_expires_at"), "totp_used", ["expires_at"], unique=False)
    op.create_table(
        "user_aliases",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("alias_key", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_user_aliases_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "kind", "alias_key", name=op.f("pk_user_aliases")),
    )
    op.create_index(
        op.f("ix_user_aliases_pool_id_alias_key"), "user_aliases", ["pool_id", "alias_key"], unique=False
    )
    op.create_index(op.f("ix_user_aliases_pool_id_sub"), "user_aliases", ["pool_id", "sub"], unique=False)
    op.create_table(
        "user_index",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_user_index_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "name", "value_key", "sub", name=op.f("pk_user_index")),
    )
    op.create_index(op.f("ix_user_index_pool_id_sub"), "user_index", ["pool_id", "sub"], unique=False)
    op.create_table(
        "authorization_codes",
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.Column("redeemed_at", UtcMs(), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["grants.grant_id"],
            name=op.f("fk_authorization_codes_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_authorization_codes")),
    )
    op.create_index(
        op.f("ix_authorization_codes_expires_at"), "authorization_codes", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_authorization_codes_grant_id"), "authorization_codes", ["grant_id"], unique=False
    )
    op.create_table(
        "refresh_families",
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at", UtcMs(), nullable=True),
        sa.Column("expires_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.grant_id"], name=op.f("fk_refresh_families_grant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_refresh_families")),
    )


def _audit_is_append_only() -> None:
    if op.get_context().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
