"""Every table, as the newest migration leaves it. ``migrations/`` builds them; a test compares the two.

Every composite key begins with ``connection_id``, so that no row is reached under another one. There are no
foreign keys: rows are written by the functions of this package only, and checking one per row would be the
dearest part of a batch. Identifiers sort by their bytes on both databases (``Name``): keyset pages agree.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

from ml_connector.store.columns import JsonText, UtcTime

Name = Text()  # the migrations give it COLLATE "C" on PostgreSQL; said here, every comparison would repeat it
BigNumber = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only as INTEGER

metadata = MetaData()


def _of_connection(*rest: Column[object]) -> list[Column[object]]:
    """The columns of a table whose key begins with the connection."""
    return [Column("connection_id", Integer, primary_key=True, autoincrement=False), *rest]


connection = Table(
    "mlc_connection",
    metadata,
    Column("connection_id", Integer, primary_key=True, autoincrement=True),
    Column("name", Name, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

side = Table(
    "mlc_side",
    metadata,
    *_of_connection(Column("side", Name, primary_key=True)),
    Column("settings", JsonText, nullable=False),
    Column("identity", Text, nullable=False),
    Column("capabilities", JsonText, nullable=False),
    Column("verified_at", UtcTime, nullable=False),
)

secret = Table(
    "mlc_secret",
    metadata,
    *_of_connection(Column("field", Name, primary_key=True)),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

legal_entity = Table(
    "mlc_legal_entity",
    metadata,
    *_of_connection(Column("legal_entity", Name, primary_key=True)),
    Column("name", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
)

key = Table(
    "mlc_key",
    metadata,
    Column("key_id", Name, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("check_value", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

flow = Table(
    "mlc_flow",
    metadata,
    *_of_connection(Column("flow", Name, primary_key=True)),
    Column("state", Text, nullable=False),
    Column("go_live_at", UtcTime),
    Column("paused_reason", Text, nullable=False),
    Column("loaded", Boolean, nullable=False),
)

mapping = Table(
    "mlc_mapping",
    metadata,
    *_of_connection(
        Column("flow", Name, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
    ),
    Column("digest", LargeBinary, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("mlc_mapping_digest", "connection_id", "flow", "digest", unique=True),
)

run = Table(
    "mlc_run",
    metadata,
    *_of_connection(Column("run_id", Name, primary_key=True)),
    Column("flow", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("counters", JsonText, nullable=False),
    Column("message", Text, nullable=False),
    Column("started_by", Text, nullable=False),
    Index("mlc_run_started", "connection_id", "started_at"),
    Index(
        "mlc_run_open",
        "connection_id",
        "flow",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)


def _progress_columns() -> list[Column[object]]:
    """What the current row and the history row of a flow's progress both hold."""
    return [
        Column("run_id", Name, nullable=False),
        Column("cursor", Text),
        Column("watermark", Text),
        Column("pages", Integer, nullable=False),
        Column("complete", Boolean, nullable=False),
        Column("details", JsonText, nullable=False),
        Column("rewind", Boolean, nullable=False),
        Column("at", UtcTime, nullable=False),
    ]


progress = Table(
    "mlc_progress",
    metadata,
    *_of_connection(Column("flow", Name, primary_key=True)),
    Column("seq", BigInteger, nullable=False),
    *_progress_columns(),
)

progress_history = Table(
    "mlc_progress_history",
    metadata,
    *_of_connection(
        Column("flow", Name, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
    ),
    *_progress_columns(),
)

link = Table(
    "mlc_link",
    metadata,
    *_of_connection(
        Column("key", Name, primary_key=True),  # before the flow: a key is searched in all flows at once
        Column("flow", Name, primary_key=True),
    ),
    Column("object_type", Name, nullable=False),
    Column("target_id", Name, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("source_digest", LargeBinary, nullable=False),
    Column("fingerprint_version", Integer, nullable=False),
    Column("mapping_version", Integer, nullable=False),
    Column("written", LargeBinary, nullable=False),
    Column("subject_id", Text),
    Column("state", Text, nullable=False),
    Column("identity", Name),  # what else is unique about the record: of a contact the hash of its e-mail
    Column("role", Text, nullable=False),  # the key that owns the record's fields, or a follower of it
    Column(
        "missed", Integer, nullable=False
    ),  # number of the first full crawl in a row that did not see it; 0: seen
    Index("mlc_link_target", "connection_id", "target_id", "object_type"),
    Index(
        "mlc_link_identity",
        "connection_id",
        "flow",
        "identity",
        sqlite_where=text("identity IS NOT NULL"),
        postgresql_where=text("identity IS NOT NULL"),
    ),
    Index(
        "mlc_link_aside",
        "connection_id",
        "flow",
        "state",
        "key",
        sqlite_where=text("state <> 'live'"),
        postgresql_where=text("state <> 'live'"),
    ),
)

seen = Table(  # the keys a crawl has read: a row a page, eight bytes a key
    "mlc_seen",
    metadata,
    *_of_connection(
        Column("crawl_id", Name, primary_key=True),
        Column("seq", Integer, primary_key=True, autoincrement=False),
    ),
    Column("hashes", LargeBinary, nullable=False),
)

stage = Table(  # what a crawl found changed, until it is pushed
    "mlc_stage",
    metadata,
    *_of_connection(
        Column("crawl_id", Name, primary_key=True),
        Column("seq", Integer, primary_key=True, autoincrement=False),
    ),
    Column("key", Name, nullable=False),
    Column("change", LargeBinary, nullable=False),  # sealed
)

association = Table(
    "mlc_association",
    metadata,
    *_of_connection(
        Column("key", Name, primary_key=True),
        Column("flow", Name, primary_key=True),
        Column("to_flow", Name, primary_key=True),
        Column("to_key", Name, primary_key=True),
    ),
    Column("state", Text, nullable=False),  # wanted, refused or made
    Column("fresh", Boolean, nullable=False),  # the record was created by us: nothing hangs on it yet
    Column("from_id", Name, nullable=False),
    Column("to_id", Name, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(
        "mlc_association_open",
        "connection_id",
        "flow",
        "key",
        sqlite_where=text("state <> 'made'"),
        postgresql_where=text("state <> 'made'"),
    ),
)

suppressed = Table(  # hashes of persons deleted for privacy: never sent again
    "mlc_suppressed",
    metadata,
    *_of_connection(Column("hash", LargeBinary, primary_key=True)),
    Column("at", UtcTime, nullable=False),
)

match = Table(
    "mlc_match",
    metadata,
    Column("match_id", BigNumber, primary_key=True, autoincrement=True),
    Column("connection_id", Integer, nullable=False),
    Column("flow", Name, nullable=False),
    Column("source_key", Name, nullable=False),
    Column("target_id", Name, nullable=False),
    Column("rule", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # sealed
    Column("run_id", Name, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", Text, nullable=False),
    Index("mlc_match_source", "connection_id", "flow", "source_key"),
    Index("mlc_match_state", "connection_id", "flow", "state", "match_id"),
    sqlite_autoincrement=True,
)

match_run = Table(
    "mlc_match_run",
    metadata,
    *_of_connection(Column("run_id", Name, primary_key=True)),
    Column("flow", Name, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("counters", JsonText, nullable=False),
)

call = Table(
    "mlc_call",
    metadata,
    *_of_connection(Column("call_id", Name, primary_key=True)),
    Column("run_id", Name, nullable=False),
    Column("side", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("payload_hash", LargeBinary, nullable=False),
    Column("keys", JsonText, nullable=False),
    Column("operation_id", Name),
    Column("intended_at", UtcTime, nullable=False),
    Column("outcome", Text),
    Column("status", Integer),
    Column("correlation_id", Text, nullable=False),
    Column("ended_at", UtcTime),
    Index(
        "mlc_call_open",
        "connection_id",
        "run_id",
        sqlite_where=text("outcome IS NULL"),
        postgresql_where=text("outcome IS NULL"),
    ),
)

operation = Table(
    "mlc_operation",
    metadata,
    *_of_connection(Column("operation_id", Name, primary_key=True)),
    Column("process_id", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Name, nullable=False),
    Column("legal_entity", Name, nullable=False),
    Column("payload_version", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # sealed
    Column("payload_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("send_by", UtcTime, nullable=False),
    Column("settle_until", UtcTime),
    Column("external_id", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("seq", Integer, nullable=False),  # order of first storing within the process
    Column("updated_at", UtcTime, nullable=False),
    Index("mlc_operation_process", "connection_id", "process_id", "seq"),
)

process = Table(
    "mlc_process",
    metadata,
    *_of_connection(Column("process_id", Name, primary_key=True)),
    Column("flow", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("due_at", UtcTime),
    Column("first_seen_at", UtcTime, nullable=False),
    Column("quiet_since", UtcTime),
    Column("snapshot", LargeBinary),  # sealed
    Column("snapshot_hash", LargeBinary),
    Column("draft", LargeBinary),  # sealed
    Column("result", JsonText, nullable=False),
    Column("message", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("mlc_process_subject", "connection_id", "flow", "subject", "revision", unique=True),
    Index("mlc_process_due", "connection_id", "flow", "state", "due_at"),
)

lease = Table(
    "mlc_lease",
    metadata,
    *_of_connection(Column("name", Name, primary_key=True)),
    Column("holder", Text, nullable=False),  # "" when nobody holds it
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

parked = Table(
    "mlc_parked",
    metadata,
    Column("parked_id", BigNumber, primary_key=True, autoincrement=True),
    Column("connection_id", Integer, nullable=False),
    Column("flow", Name, nullable=False),
    Column("key", Name, nullable=False),
    Column("cause", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("turn", Text, nullable=False),
    Column("next_action", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("source_digest", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_id", Name, nullable=False),
    Column("first_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("times", Integer, nullable=False),
    Column("payload", LargeBinary),
    Column("reason", Text, nullable=False),  # why it was resolved
    Index(
        "mlc_parked_open",
        "connection_id",
        "flow",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("mlc_parked_state", "connection_id", "state", "parked_id"),
    sqlite_autoincrement=True,  # a number once told to a person is never given again
)

audit = Table(
    "mlc_audit",
    metadata,
    *_of_connection(Column("seq", BigInteger, primary_key=True, autoincrement=False)),
    Column("batch_id", Name, nullable=False),
    Column("subject_id", Text),
    Column("operation_id", Name),
    Column("run_id", Name),
    Column("kind", Text, nullable=False),
    Column("mapping_version", Integer),
    Column("flow", Name, nullable=False),
    Column("key", Name, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("mlc_audit_record", "connection_id", "flow", "key", "seq"),
)

audit_batch = Table(
    "mlc_audit_batch",
    metadata,
    *_of_connection(Column("first_seq", BigInteger, primary_key=True, autoincrement=False)),
    Column("batch_id", Name, nullable=False),
    Column("count", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit_head = Table(
    "mlc_audit_head",
    metadata,
    *_of_connection(),
    Column("seq", BigInteger, nullable=False),  # of the last row; 0 before the first
    Column("hash", LargeBinary, nullable=False),  # of the last batch
)

audit_permit = (
    Table(  # lets pruning delete whole segments: rows up to through_seq, whose last batch hash is the anchor
        "mlc_audit_permit",
        metadata,
        *_of_connection(),
        Column("through_seq", BigInteger, nullable=False),
        Column("anchor", LargeBinary, nullable=False),
        Column("granted_by", Text, nullable=False),
        Column("granted_at", UtcTime, nullable=False),
    )
)

schedule = Table(  # when a flow is polled; one that was never told runs by the default
    "mlc_schedule",
    metadata,
    *_of_connection(Column("flow", Name, primary_key=True)),
    Column("rule", Text, nullable=False),  # "" = the flow's default
    Column("time_zone", Text, nullable=False),
    Column("quiet", Text, nullable=False),
    Column("next_at", UtcTime),  # none before its first run
    Column("paused_until", UtcTime),
    Column("paused_by", Text, nullable=False),  # "" when nobody has paused it
)

request = Table(  # work that was asked for: by a schedule, an event or a person
    "mlc_request",
    metadata,
    *_of_connection(Column("request_id", Name, primary_key=True)),
    Column("flow", Name, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("what", JsonText, nullable=False),
    Column("slice", Integer, nullable=False),  # the one that is due or under way, from 1
    Column("attempt", Integer, nullable=False),  # how often this slice was handed to a worker
    Column("worker", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("figures", JsonText, nullable=False),
    Column("message", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Index(
        "mlc_request_open",
        "due_at",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("mlc_request_asked", "connection_id", "asked_at"),
)

worker = Table(  # a process that serves, for as long as it holds its lock
    "mlc_worker",
    metadata,
    Column("worker_id", Name, primary_key=True),
    Column("number", Integer, nullable=False),  # of its lock
    Column("name", Text, nullable=False),  # host and process
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)

_OPEN = text("outcome = 'accepted' AND done_at IS NULL")
_TAKEN = text("take_id IS NOT NULL AND done_at IS NULL")

event = Table(  # what a side told by itself; a row for each record it concerns
    "mlc_event",
    metadata,
    Column("event_no", BigNumber, primary_key=True, autoincrement=True),
    Column("connection_id", Integer, nullable=False),
    Column("source", Name, nullable=False),
    Column("type", Text, nullable=False),
    Column("legal_entity", Text, nullable=False),
    Column("identifier", Text, nullable=False),  # the record as the event names it
    Column("number", Text, nullable=False),  # ControlNumber, or the id its sender gave it
    Column("identity", Name, nullable=False),  # digest of what is the same in every copy of one event
    Column("content", Text, nullable=False),  # digest of everything it says
    Column("body", LargeBinary),  # sealed; none of duplicates, and of webhooks that were left out
    Column("received_at", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("other_no", BigInteger),  # the event it repeats, or the one that superseded it
    Column("note", Text, nullable=False),  # the filter that left it out, or what is odd about it
    Column("flow", Name, nullable=False),  # "" when it hints at nothing
    Column("key", Name, nullable=False),  # "" when it hints at the whole flow
    Column("due_at", UtcTime),
    Column("take_id", Name),
    Column("taken_at", UtcTime),
    Column("done_at", UtcTime),
    Index("mlc_event_identity", "connection_id", "identity"),
    Index(
        "mlc_event_open",
        "connection_id",
        "flow",
        "key",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "mlc_event_due",
        "connection_id",
        "flow",
        "due_at",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("mlc_event_taken", "connection_id", "take_id", sqlite_where=_TAKEN, postgresql_where=_TAKEN),
    sqlite_autoincrement=True,
)

rejected = Table(  # requests that were refused: how many, and nothing else of them
    "mlc_rejected",
    metadata,
    *_of_connection(  # 0: of a connection that does not exist
        Column("day", Name, primary_key=True),
        Column("source", Name, primary_key=True),
        Column("reason", Name, primary_key=True),
    ),
    Column("count", Integer, nullable=False),
)

budget = Table(
    "mlc_budget",
    metadata,
    *_of_connection(Column("bucket", Name, primary_key=True)),
    Column("calls", Integer, nullable=False),
    Column("window_ms", Integer, nullable=False),
    Column("told", Boolean, nullable=False),  # by the side; else it is our assumption
    Column("paused_until", UtcTime, nullable=True),
    Column("day_calls", BigInteger, nullable=True),
    Column("day_left", BigInteger, nullable=True),
    Column("day_told_at", UtcTime, nullable=True),
)

budget_share = Table(
    "mlc_budget_share",
    metadata,
    *_of_connection(Column("bucket", Name, primary_key=True), Column("holder", Name, primary_key=True)),
    Column("slots", Integer, nullable=False),
    Column("wanted", JsonText, nullable=False),  # by priority
    Column("grew_at", UtcTime, nullable=False),
    Column("free_at", UtcTime, nullable=False),  # without another word of the holder
)
