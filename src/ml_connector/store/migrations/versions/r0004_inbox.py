"""Events that the sides told by themselves, and how many requests were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
OPEN = sa.text("outcome = 'accepted' AND done_at IS NULL")
TAKEN = sa.text("take_id IS NOT NULL AND done_at IS NULL")


def upgrade() -> None:
    """Build the tables; nothing that is there is touched."""
    op.create_table(
        "mlc_event",
        sa.Column("event_no", BIG_NUMBER, autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("legal_entity", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("identity", NAME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", UTC_TIME, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("other_no", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("due_at", UTC_TIME, nullable=True),
        sa.Column("take_id", NAME, nullable=True),
        sa.Column("taken_at", UTC_TIME, nullable=True),
        sa.Column("done_at", UTC_TIME, nullable=True),
        sa.PrimaryKeyConstraint("event_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("mlc_event_identity", "mlc_event", ["connection_id", "identity"])
    for name, columns, where in (
        ("open", ["connection_id", "flow", "key"], OPEN),
        ("due", ["connection_id", "flow", "due_at"], OPEN),
        ("taken", ["connection_id", "take_id"], TAKEN),
    ):
        op.create_index(f"mlc_event_{name}", "mlc_event", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "mlc_rejected",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", NAME, nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "day", "source", "reason"),
    )
