BEGIN TRANSACTION;
CREATE TABLE mlc_association (
	connection_id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	to_flow TEXT NOT NULL, 
	to_key TEXT NOT NULL, 
	state TEXT NOT NULL, 
	fresh BOOLEAN NOT NULL, 
	from_id TEXT NOT NULL, 
	to_id TEXT NOT NULL, 
	message TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, "key", flow, to_flow, to_key)
);
CREATE TABLE mlc_audit (
	connection_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	batch_id TEXT NOT NULL, 
	subject_id TEXT, 
	operation_id TEXT, 
	run_id TEXT, 
	kind TEXT NOT NULL, 
	mapping_version INTEGER, 
	flow TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	payload BLOB NOT NULL, 
	PRIMARY KEY (connection_id, seq)
);
INSERT INTO "mlc_audit" VALUES(1,1,'id-000002',NULL,NULL,'r1','created',NULL,'customers','usmf:US-001','2026-03-02T12:00:00.000000+00:00',X'7B226E223A307D');
INSERT INTO "mlc_audit" VALUES(1,2,'id-000003',NULL,NULL,'r1','created',NULL,'customers','usmf:US-001','2026-03-02T12:00:00.000000+00:00',X'7B226E223A317D');
CREATE TABLE mlc_audit_batch (
	connection_id INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	batch_id TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (connection_id, first_seq)
);
INSERT INTO "mlc_audit_batch" VALUES(1,1,'id-000002',1,'2026-03-02T12:00:00.000000+00:00',X'A4614C7B0A55AFD8CABC588359CBC9BE9A3A69B3EA1075E272C58826FA28392C');
INSERT INTO "mlc_audit_batch" VALUES(1,2,'id-000003',1,'2026-03-02T12:00:00.000000+00:00',X'74678CAFF6611833415A11394DD97D296CD538DBA1CAC145FC6EE39916D12BC6');
CREATE TABLE mlc_audit_head (
	connection_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	hash BLOB NOT NULL, 
	PRIMARY KEY (connection_id)
);
INSERT INTO "mlc_audit_head" VALUES(1,2,X'74678CAFF6611833415A11394DD97D296CD538DBA1CAC145FC6EE39916D12BC6');
CREATE TABLE mlc_audit_permit (
	connection_id INTEGER NOT NULL, 
	through_seq BIGINT NOT NULL, 
	anchor BLOB NOT NULL, 
	granted_by TEXT NOT NULL, 
	granted_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id)
);
CREATE TABLE mlc_budget (
	connection_id INTEGER NOT NULL, 
	bucket TEXT NOT NULL, 
	calls INTEGER NOT NULL, 
	window_ms INTEGER NOT NULL, 
	told BOOLEAN NOT NULL, 
	paused_until VARCHAR(32), 
	day_calls BIGINT, 
	day_left BIGINT, 
	day_told_at VARCHAR(32), 
	PRIMARY KEY (connection_id, bucket)
);
CREATE TABLE mlc_budget_share (
	connection_id INTEGER NOT NULL, 
	bucket TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	slots INTEGER NOT NULL, 
	wanted TEXT NOT NULL, 
	grew_at VARCHAR(32) NOT NULL, 
	free_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, bucket, holder)
);
CREATE TABLE mlc_call (
	connection_id INTEGER NOT NULL, 
	call_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	side TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	payload_hash BLOB NOT NULL, 
	keys TEXT NOT NULL, 
	operation_id TEXT, 
	intended_at VARCHAR(32) NOT NULL, 
	outcome TEXT, 
	status INTEGER, 
	correlation_id TEXT NOT NULL, 
	ended_at VARCHAR(32), 
	PRIMARY KEY (connection_id, call_id)
);
CREATE TABLE mlc_connection (
	connection_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	UNIQUE (name)
);
INSERT INTO "mlc_connection" VALUES(1,'default','2026-03-02T12:00:00.000000+00:00');
CREATE TABLE mlc_event (
	event_no INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	connection_id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	type TEXT NOT NULL, 
	legal_entity TEXT NOT NULL, 
	identifier TEXT NOT NULL, 
	number TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	content TEXT NOT NULL, 
	body BLOB, 
	received_at VARCHAR(32) NOT NULL, 
	outcome TEXT NOT NULL, 
	other_no BIGINT, 
	note TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	due_at VARCHAR(32), 
	take_id TEXT, 
	taken_at VARCHAR(32), 
	done_at VARCHAR(32)
);
CREATE TABLE mlc_flow (
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	state TEXT NOT NULL, 
	go_live_at VARCHAR(32), 
	paused_reason TEXT NOT NULL, 
	loaded BOOLEAN NOT NULL, 
	PRIMARY KEY (connection_id, flow)
);
CREATE TABLE mlc_key (
	key_id TEXT NOT NULL, 
	wrapped BLOB NOT NULL, 
	check_value BLOB NOT NULL, 
	state TEXT NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (key_id)
);
INSERT INTO "mlc_key" VALUES('id-000001',X'7BD5D47E446FCEC2A3D811731AE4B8DDAFE4256BC2EB3DE7383BBB025293EC6C1F8D457EA7A42DA5BE58684CC5CB7CDFB500EED49EAEBF21FB7E63DB',X'650A3B2ED8823C0D25036920B4199046D724C7962B48D9C15025147B56742B2D','writes','2026-03-02T12:00:00.000000+00:00');
CREATE TABLE mlc_lease (
	connection_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	expires_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, name)
);
CREATE TABLE mlc_legal_entity (
	connection_id INTEGER NOT NULL, 
	legal_entity TEXT NOT NULL, 
	name TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	PRIMARY KEY (connection_id, legal_entity)
);
CREATE TABLE mlc_link (
	connection_id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	object_type TEXT NOT NULL, 
	target_id TEXT NOT NULL, 
	fingerprint BLOB NOT NULL, 
	source_digest BLOB NOT NULL, 
	fingerprint_version INTEGER NOT NULL, 
	mapping_version INTEGER NOT NULL, 
	written BLOB NOT NULL, 
	subject_id TEXT, 
	state TEXT NOT NULL, identity TEXT, role TEXT DEFAULT 'owner' NOT NULL, missed INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (connection_id, "key", flow)
);
INSERT INTO "mlc_link" VALUES(1,'usmf:US-001','customers','companies','9001',X'7072696E74',X'646967657374',1,1,X'7B7D',NULL,'live',NULL,'owner',0);
CREATE TABLE mlc_mapping (
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	document BLOB NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, flow, version)
);
CREATE TABLE mlc_match (
	match_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	source_key TEXT NOT NULL, 
	target_id TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	score INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	detail BLOB NOT NULL, 
	run_id TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	decided_at VARCHAR(32), 
	decided_by TEXT NOT NULL
);
CREATE TABLE mlc_match_run (
	connection_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	ended_at VARCHAR(32), 
	counters TEXT NOT NULL, 
	PRIMARY KEY (connection_id, run_id)
);
CREATE TABLE mlc_operation (
	connection_id INTEGER NOT NULL, 
	operation_id TEXT NOT NULL, 
	process_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	legal_entity TEXT NOT NULL, 
	payload_version INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	payload_hash BLOB NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	send_by VARCHAR(32) NOT NULL, 
	settle_until VARCHAR(32), 
	external_id TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	detail TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, operation_id)
);
CREATE TABLE mlc_parked (
	parked_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	message TEXT NOT NULL, 
	turn TEXT NOT NULL, 
	next_action TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	source_digest BLOB NOT NULL, 
	state TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	first_at VARCHAR(32) NOT NULL, 
	last_at VARCHAR(32) NOT NULL, 
	times INTEGER NOT NULL, 
	payload BLOB, 
	reason TEXT NOT NULL
);
INSERT INTO "mlc_parked" VALUES(1,1,'customers','usmf:US-002','mapping.value','Bad','it','Mend it','{}',X'','open','','2026-03-02T12:00:00.000000+00:00','2026-03-02T12:00:00.000000+00:00',2,NULL,'');
CREATE TABLE mlc_process (
	connection_id INTEGER NOT NULL, 
	process_id TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	step TEXT NOT NULL, 
	release TEXT NOT NULL, 
	due_at VARCHAR(32), 
	first_seen_at VARCHAR(32) NOT NULL, 
	quiet_since VARCHAR(32), 
	snapshot BLOB, 
	snapshot_hash BLOB, 
	draft BLOB, 
	result TEXT NOT NULL, 
	message TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	approved_by TEXT NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, process_id)
);
CREATE TABLE mlc_progress (
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	run_id TEXT NOT NULL, 
	cursor TEXT, 
	watermark TEXT, 
	pages INTEGER NOT NULL, 
	complete BOOLEAN NOT NULL, 
	details TEXT NOT NULL, 
	rewind BOOLEAN NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, flow)
);
CREATE TABLE mlc_progress_history (
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	run_id TEXT NOT NULL, 
	cursor TEXT, 
	watermark TEXT, 
	pages INTEGER NOT NULL, 
	complete BOOLEAN NOT NULL, 
	details TEXT NOT NULL, 
	rewind BOOLEAN NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, flow, seq)
);
CREATE TABLE mlc_rejected (
	connection_id INTEGER NOT NULL, 
	day TEXT NOT NULL, 
	source TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (connection_id, day, source, reason)
);
CREATE TABLE mlc_request (
	connection_id INTEGER NOT NULL, 
	request_id TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	priority INTEGER NOT NULL, 
	what TEXT NOT NULL, 
	slice INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	worker TEXT NOT NULL, 
	asked_by TEXT NOT NULL, 
	asked_at VARCHAR(32) NOT NULL, 
	due_at VARCHAR(32) NOT NULL, 
	started_at VARCHAR(32), 
	ended_at VARCHAR(32), 
	figures TEXT NOT NULL, 
	message TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	PRIMARY KEY (connection_id, request_id)
);
CREATE TABLE mlc_run (
	connection_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	flow TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	ended_at VARCHAR(32), 
	counters TEXT NOT NULL, 
	message TEXT NOT NULL, 
	started_by TEXT NOT NULL, 
	PRIMARY KEY (connection_id, run_id)
);
CREATE TABLE mlc_schedule (
	connection_id INTEGER NOT NULL, 
	flow TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	quiet TEXT NOT NULL, 
	next_at VARCHAR(32), 
	paused_until VARCHAR(32), 
	paused_by TEXT NOT NULL, 
	PRIMARY KEY (connection_id, flow)
);
CREATE TABLE mlc_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT mlc_schema_pkc PRIMARY KEY (version_num)
);
INSERT INTO "mlc_schema" VALUES('0005');
CREATE TABLE mlc_secret (
	connection_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	sealed BLOB NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, field)
);
INSERT INTO "mlc_secret" VALUES(1,'dynamics.client_secret',X'010969642D30303030303116C6E9C92D99BF358C2E071821936A03A27D0B67F517EC15BE552ED227003B35EE79FA81E9022EA4B5','2026-03-02T12:00:00.000000+00:00');
CREATE TABLE mlc_seen (
	connection_id INTEGER NOT NULL, 
	crawl_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	hashes BLOB NOT NULL, 
	PRIMARY KEY (connection_id, crawl_id, seq)
);
CREATE TABLE mlc_side (
	connection_id INTEGER NOT NULL, 
	side TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	capabilities TEXT NOT NULL, 
	verified_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, side)
);
INSERT INTO "mlc_side" VALUES(1,'dynamics','{"url":"https://a"}','tenant','{}','2026-03-02T12:00:00.000000+00:00');
CREATE TABLE mlc_stage (
	connection_id INTEGER NOT NULL, 
	crawl_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	change BLOB NOT NULL, 
	PRIMARY KEY (connection_id, crawl_id, seq)
);
CREATE TABLE mlc_suppressed (
	connection_id INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (connection_id, hash)
);
CREATE TABLE mlc_worker (
	worker_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	seen_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (worker_id)
);
CREATE UNIQUE INDEX mlc_mapping_digest ON mlc_mapping (connection_id, flow, digest);
CREATE INDEX mlc_run_open ON mlc_run (connection_id, flow) WHERE state = 'running';
CREATE INDEX mlc_run_started ON mlc_run (connection_id, started_at);
CREATE INDEX mlc_link_target ON mlc_link (connection_id, target_id, object_type);
CREATE UNIQUE INDEX mlc_parked_open ON mlc_parked (connection_id, flow, "key") WHERE state = 'open';
CREATE INDEX mlc_parked_state ON mlc_parked (connection_id, state, parked_id);
CREATE INDEX mlc_call_open ON mlc_call (connection_id, run_id) WHERE outcome IS NULL;
CREATE INDEX mlc_operation_process ON mlc_operation (connection_id, process_id, seq);
CREATE INDEX mlc_process_due ON mlc_process (connection_id, flow, state, due_at);
CREATE UNIQUE INDEX mlc_process_subject ON mlc_process (connection_id, flow, subject, revision);
CREATE INDEX mlc_audit_record ON mlc_audit (connection_id, flow, "key", seq);
CREATE TRIGGER mlc_audit_no_update BEFORE UPDATE ON mlc_audit
            BEGIN SELECT RAISE(ABORT, 'mlc_audit is append-only'); END;
CREATE TRIGGER mlc_audit_no_delete BEFORE DELETE ON mlc_audit
            WHEN NOT EXISTS (SELECT 1 FROM mlc_audit_permit p
                             WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.seq)
            BEGIN SELECT RAISE(ABORT, 'mlc_audit is append-only'); END;
CREATE TRIGGER mlc_audit_no_replace BEFORE INSERT ON mlc_audit
            WHEN NEW.seq <= (SELECT h.seq FROM mlc_audit_head h WHERE h.connection_id = NEW.connection_id)
            BEGIN SELECT RAISE(ABORT, 'mlc_audit is append-only'); END;
CREATE TRIGGER mlc_audit_batch_no_update BEFORE UPDATE ON mlc_audit_batch
            BEGIN SELECT RAISE(ABORT, 'mlc_audit_batch is append-only'); END;
CREATE TRIGGER mlc_audit_batch_no_delete BEFORE DELETE ON mlc_audit_batch
            WHEN NOT EXISTS (SELECT 1 FROM mlc_audit_permit p
                             WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.first_seq)
            BEGIN SELECT RAISE(ABORT, 'mlc_audit_batch is append-only'); END;
CREATE TRIGGER mlc_audit_batch_no_replace BEFORE INSERT ON mlc_audit_batch
            WHEN NEW.first_seq <= (SELECT h.seq FROM mlc_audit_head h WHERE h.connection_id = NEW.connection_id)
            BEGIN SELECT RAISE(ABORT, 'mlc_audit_batch is append-only'); END;
CREATE INDEX mlc_link_identity ON mlc_link (connection_id, flow, identity) WHERE identity IS NOT NULL;
CREATE INDEX mlc_link_aside ON mlc_link (connection_id, flow, state, "key") WHERE state <> 'live';
CREATE INDEX mlc_association_open ON mlc_association (connection_id, flow, "key") WHERE state <> 'made';
CREATE INDEX mlc_match_source ON mlc_match (connection_id, flow, source_key);
CREATE INDEX mlc_match_state ON mlc_match (connection_id, flow, state, match_id);
CREATE INDEX mlc_request_open ON mlc_request (due_at) WHERE ended_at IS NULL;
CREATE INDEX mlc_request_asked ON mlc_request (connection_id, asked_at);
CREATE INDEX mlc_event_identity ON mlc_event (connection_id, identity);
CREATE INDEX mlc_event_open ON mlc_event (connection_id, flow, "key") WHERE outcome = 'accepted' AND done_at IS NULL;
CREATE INDEX mlc_event_due ON mlc_event (connection_id, flow, due_at) WHERE outcome = 'accepted' AND done_at IS NULL;
CREATE INDEX mlc_event_taken ON mlc_event (connection_id, take_id) WHERE take_id IS NOT NULL AND done_at IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('mlc_connection',2);
INSERT INTO "sqlite_sequence" VALUES('mlc_parked',2);
COMMIT;
