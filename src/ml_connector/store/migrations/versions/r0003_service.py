"""Schedules, requests for work, and the processes that serve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Build the tables of the service."""
    op.create_table(
        "mlc_schedule",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("quiet", sa.Text(), nullable=False),
        sa.Column("next_at", UTC_TIME, nullable=True),
        sa.Column("paused_until", UTC_TIME, nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "flow"),
    )
    op.create_table(
        "mlc_request",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", UTC_TIME, nullable=False),
        sa.Column("due_at", UTC_TIME, nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=True),
        sa.Column("ended_at", UTC_TIME, nullable=True),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "request_id"),
    )
    open_ones = sa.text("ended_at IS NULL")
    op.create_index(
        "mlc_request_open", "mlc_request", ["due_at"], sqlite_where=open_ones, postgresql_where=open_ones
    )
    op.create_index("mlc_request_asked", "mlc_request", ["connection_id", "asked_at"])
    op.create_table(
        "mlc_worker",
        sa.Column("worker_id", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("seen_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("worker_id"),
    )
