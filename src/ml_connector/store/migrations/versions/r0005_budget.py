"""The calls a side allows, and who has which part of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Limits, pauses and the day of each bucket; the slots of each process."""
    op.create_table(
        "mlc_budget",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", NAME, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("window_ms", sa.Integer(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("paused_until", UTC_TIME, nullable=True),
        sa.Column("day_calls", sa.BigInteger(), nullable=True),
        sa.Column("day_left", sa.BigInteger(), nullable=True),
        sa.Column("day_told_at", UTC_TIME, nullable=True),
        sa.PrimaryKeyConstraint("connection_id", "bucket"),
    )
    op.create_table(
        "mlc_budget_share",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket", NAME, nullable=False),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("grew_at", UTC_TIME, nullable=False),
        sa.Column("free_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "bucket", "holder"),
    )
