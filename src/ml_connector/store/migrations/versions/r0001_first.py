"""The first schema. It never changes: what comes later is a revision of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Build every table, then the triggers that keep the audit append-only."""
    _connections()
    _flows()
    _progress()
    _records()
    _calls()
    _processes()
    _audit()
    _guard_audit_postgresql() if op.get_bind().dialect.name == "postgresql" else _guard_audit_sqlite()


def _connections() -> None:
    """Connections, their sides and secrets, and the keys that seal."""
    op.create_table(
        "mlc_connection",
        sa.Column("connection_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "mlc_side",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", NAME, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("verified_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "side"),
    )
    op.create_table(
        "mlc_secret",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("field", NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "field"),
    )
    op.create_table(
        "mlc_legal_entity",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("legal_entity", NAME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "legal_entity"),
    )
    op.create_table(
        "mlc_key",
        sa.Column("key_id", NAME, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("check_value", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )


def _flows() -> None:
    """Flows, mappings and runs."""
    op.create_table(
        "mlc_flow",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("go_live_at", UTC_TIME),
        sa.Column("paused_reason", sa.Text(), nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "flow"),
    )
    op.create_table(
        "mlc_mapping",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "flow", "version"),
    )
    op.create_index("mlc_mapping_digest", "mlc_mapping", ["connection_id", "flow", "digest"], unique=True)
    op.create_table(
        "mlc_run",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "run_id"),
    )
    op.create_index(
        "mlc_run_open",
        "mlc_run",
        ["connection_id", "flow"],
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("mlc_run_started", "mlc_run", ["connection_id", "started_at"])


def _progress() -> None:
    """How far each flow has come, and has ever come."""
    op.create_table(
        "mlc_progress",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("watermark", sa.Text()),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("rewind", sa.Boolean(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "flow"),
    )
    op.create_table(
        "mlc_progress_history",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("watermark", sa.Text()),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("rewind", sa.Boolean(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "flow", "seq"),
    )


def _records() -> None:
    """Links and parked records."""
    op.create_table(
        "mlc_link",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("object_type", NAME, nullable=False),
        sa.Column("target_id", NAME, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("source_digest", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint_version", sa.Integer(), nullable=False),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("written", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "key", "flow"),
    )
    op.create_index("mlc_link_target", "mlc_link", ["connection_id", "target_id", "object_type"])
    op.create_table(
        "mlc_parked",
        sa.Column("parked_id", BIG_NUMBER, autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("next_action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("first_at", UTC_TIME, nullable=False),
        sa.Column("last_at", UTC_TIME, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("parked_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "mlc_parked_open",
        "mlc_parked",
        ["connection_id", "flow", "key"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("mlc_parked_state", "mlc_parked", ["connection_id", "state", "parked_id"])


def _calls() -> None:
    """Intents of calls, operations that must not happen twice, leases."""
    op.create_table(
        "mlc_call",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("call_id", NAME, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("operation_id", NAME),
        sa.Column("intended_at", UTC_TIME, nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("status", sa.Integer()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.PrimaryKeyConstraint("connection_id", "call_id"),
    )
    op.create_index(
        "mlc_call_open",
        "mlc_call",
        ["connection_id", "run_id"],
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "mlc_operation",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation_id", NAME, nullable=False),
        sa.Column("process_id", NAME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", NAME, nullable=False),
        sa.Column("legal_entity", NAME, nullable=False),
        sa.Column("payload_version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("send_by", UTC_TIME, nullable=False),
        sa.Column("settle_until", UTC_TIME),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "operation_id"),
    )
    op.create_index("mlc_operation_process", "mlc_operation", ["connection_id", "process_id", "seq"])
    op.create_table(
        "mlc_lease",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "name"),
    )


def _processes() -> None:
    """Deals on their way to an order."""
    op.create_table(
        "mlc_process",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process_id", NAME, nullable=False),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("due_at", UTC_TIME),
        sa.Column("first_seen_at", UTC_TIME, nullable=False),
        sa.Column("quiet_since", UTC_TIME),
        sa.Column("snapshot", sa.LargeBinary()),
        sa.Column("snapshot_hash", sa.LargeBinary()),
        sa.Column("draft", sa.LargeBinary()),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "process_id"),
    )
    op.create_index("mlc_process_due", "mlc_process", ["connection_id", "flow", "state", "due_at"])
    op.create_index(
        "mlc_process_subject", "mlc_process", ["connection_id", "flow", "subject", "revision"], unique=True
    )


def _audit() -> None:
    """The audit and its chain."""
    op.create_table(
        "mlc_audit",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", NAME, nullable=False),
        sa.Column("subject_id", sa.Text()),
        sa.Column("operation_id", NAME),
        sa.Column("run_id", NAME),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mapping_version", sa.Integer()),
        sa.Column("flow", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "seq"),
    )
    op.create_index("mlc_audit_record", "mlc_audit", ["connection_id", "flow", "key", "seq"])
    op.create_table(
        "mlc_audit_batch",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", NAME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "first_seq"),
    )
    op.create_table(
        "mlc_audit_head",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )
    op.create_table(
        "mlc_audit_permit",
        sa.Column("connection_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("through_seq", sa.BigInteger(), nullable=False),
        sa.Column("anchor", sa.LargeBinary(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection_id"),
    )


def _guard_audit_sqlite() -> None:
    """Refuse changes; deletes without a permit; inserts before the end (REPLACE deletes silently)."""
    for table, seq in (("mlc_audit", "seq"), ("mlc_audit_batch", "first_seq")):
        op.execute(f"""
            CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
            BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""")
        op.execute(f"""
            CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
            WHEN NOT EXISTS (SELECT 1 FROM mlc_audit_permit p
                             WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.{seq})
            BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""")  # noqa: S608 - our own names
        op.execute(f"""
            CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
            WHEN NEW.{seq} <= (SELECT h.seq FROM mlc_audit_head h WHERE h.connection_id = NEW.connection_id)
            BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END""")  # noqa: S608 - the same


def _guard_audit_postgresql() -> None:
    """Refuse changes and TRUNCATE; deletes only of what a permit covers."""
    op.execute("""
        CREATE FUNCTION mlc_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""")
    for table, seq in (("mlc_audit", "seq"), ("mlc_audit_batch", "first_seq")):
        op.execute(f"""
            CREATE FUNCTION {table}_may_delete() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM mlc_audit_permit p
                           WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.{seq}) THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION '{table} is append-only';
            END $$""")  # noqa: S608 - our own names
        op.execute(f"""
            CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}
            FOR EACH ROW EXECUTE FUNCTION mlc_append_only()""")
        op.execute(f"""
            CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_may_delete()""")
        op.execute(f"""
            CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION mlc_append_only()""")
