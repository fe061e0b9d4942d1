"""What SRP knows of passwords."""

import sqlalchemy as sa
from alembic import op

from kit.sql import Key, UtcMs

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "srp_verifiers",
        sa.Column("pool_id", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("password_set_at", UtcMs(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pool_id", "sub"],
            ["users.pool_id", "users.sub"],
            name=op.f("fk_srp_verifiers_pool_id_sub"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pool_id", "sub", name=op.f("pk_srp_verifiers")),
    )
