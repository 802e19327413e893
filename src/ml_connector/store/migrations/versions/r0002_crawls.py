"""Crawls in two phases, people with several keys, and matching before a first load."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Widen the links, then build the new tables."""
    _links()
    _crawls()
    _people()
    _matches()


def _links() -> None:
    """Which key of several owns a record, what else is unique about it, and how often crawls have missed it."""
    op.add_column("mlc_link", sa.Column("identity", NAME, nullable=True))
    op.add_column("mlc_link", sa.Column("role", sa.Text(), nullable=False, server_default="owner"))
    op.add_column("mlc_link", sa.Column("missed", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "mlc_link_identity",
        "mlc_link",
        ["connection_id", "flow", "identity"],
        sqlite_where=sa.text("identity IS NOT NULL"),
        postgresql_where=sa.text("identity IS NOT NULL"),
    )
    op.create_index(
        "mlc_link_aside",
        "mlc_link",
        ["connection_id", "flow", "state", "key"],
        sqlite_where=sa.text("state <> 'live'"),
        postgresql_where=sa.text("state <> 'live'"),
    )


def _crawls() -> None:
    """The keys a crawl has seen, a page a row, and the changes it has staged."""
    op.create_table(
        "mlc_seen",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("crawl_id", NAME, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "crawl_id", "seq"),
    )
    op.create_table(
        "mlc_stage",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("crawl_id", NAME, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("change", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "crawl_id", "seq"),
    )


def _people() -> None:
    """Associations that are wanted or made, and what must never be sent again."""
    op.create_table(
        "mlc_association",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("to_flow", NAME, nullable=False),
        sa.Column("to_key", NAME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("from_id", NAME, nullable=False),
        sa.Column("to_id", NAME, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "key", "flow", "to_flow", "to_key"),
    )
    op.create_index(
        "mlc_association_open",
        "mlc_association",
        ["connection_id", "flow", "key"],
        sqlite_where=sa.text("state <> 'made'"),
        postgresql_where=sa.text("state <> 'made'"),
    )
    op.create_table(
        "mlc_suppressed",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "hash"),
    )


def _matches() -> None:
    """What matching proposed and what became of it."""
    op.create_table(
        "mlc_match",
        sa.Column("match_id", BIG_NUMBER, autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("source_key", NAME, nullable=False),
        sa.Column("target_id", NAME, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("decided_at", UTC_TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("match_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("mlc_match_source", "mlc_match", ["connection_id", "flow", "source_key"])
    op.create_index("mlc_match_state", "mlc_match", ["connection_id", "flow", "state", "match_id"])
    op.create_table(
        "mlc_match_run",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME, nullable=True),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "run_id"),
    )
