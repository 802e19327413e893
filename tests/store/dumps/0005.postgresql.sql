CREATE FUNCTION public.mlc_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE FUNCTION public.mlc_audit_batch_may_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM mlc_audit_permit p
                           WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.first_seq) THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION 'mlc_audit_batch is append-only';
            END $$;
CREATE FUNCTION public.mlc_audit_may_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM mlc_audit_permit p
                           WHERE p.connection_id = OLD.connection_id AND p.through_seq >= OLD.seq) THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION 'mlc_audit is append-only';
            END $$;
CREATE TABLE public.mlc_association (
    connection_id integer NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    to_flow text NOT NULL COLLATE pg_catalog."C",
    to_key text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    fresh boolean NOT NULL,
    from_id text NOT NULL COLLATE pg_catalog."C",
    to_id text NOT NULL COLLATE pg_catalog."C",
    message text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_audit (
    connection_id integer NOT NULL,
    seq bigint NOT NULL,
    batch_id text NOT NULL COLLATE pg_catalog."C",
    subject_id text,
    operation_id text COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C",
    kind text NOT NULL,
    mapping_version integer,
    flow text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    payload bytea NOT NULL
);
CREATE TABLE public.mlc_audit_batch (
    connection_id integer NOT NULL,
    first_seq bigint NOT NULL,
    batch_id text NOT NULL COLLATE pg_catalog."C",
    count integer NOT NULL,
    at timestamp with time zone NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.mlc_audit_head (
    connection_id integer NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.mlc_audit_permit (
    connection_id integer NOT NULL,
    through_seq bigint NOT NULL,
    anchor bytea NOT NULL,
    granted_by text NOT NULL,
    granted_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_budget (
    connection_id integer NOT NULL,
    bucket text NOT NULL COLLATE pg_catalog."C",
    calls integer NOT NULL,
    window_ms integer NOT NULL,
    told boolean NOT NULL,
    paused_until timestamp with time zone,
    day_calls bigint,
    day_left bigint,
    day_told_at timestamp with time zone
);
CREATE TABLE public.mlc_budget_share (
    connection_id integer NOT NULL,
    bucket text NOT NULL COLLATE pg_catalog."C",
    holder text NOT NULL COLLATE pg_catalog."C",
    slots integer NOT NULL,
    wanted text NOT NULL,
    grew_at timestamp with time zone NOT NULL,
    free_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_call (
    connection_id integer NOT NULL,
    call_id text NOT NULL COLLATE pg_catalog."C",
    run_id text NOT NULL COLLATE pg_catalog."C",
    side text NOT NULL,
    resource text NOT NULL,
    payload_hash bytea NOT NULL,
    keys text NOT NULL,
    operation_id text COLLATE pg_catalog."C",
    intended_at timestamp with time zone NOT NULL,
    outcome text,
    status integer,
    correlation_id text NOT NULL,
    ended_at timestamp with time zone
);
CREATE TABLE public.mlc_connection (
    connection_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.mlc_connection_connection_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mlc_connection_connection_id_seq OWNED BY public.mlc_connection.connection_id;
CREATE TABLE public.mlc_event (
    event_no bigint NOT NULL,
    connection_id integer NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL,
    legal_entity text NOT NULL,
    identifier text NOT NULL,
    number text NOT NULL,
    identity text NOT NULL COLLATE pg_catalog."C",
    content text NOT NULL,
    body bytea,
    received_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    other_no bigint,
    note text NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone,
    take_id text COLLATE pg_catalog."C",
    taken_at timestamp with time zone,
    done_at timestamp with time zone
);
CREATE SEQUENCE public.mlc_event_event_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mlc_event_event_no_seq OWNED BY public.mlc_event.event_no;
CREATE TABLE public.mlc_flow (
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    go_live_at timestamp with time zone,
    paused_reason text NOT NULL,
    loaded boolean NOT NULL
);
CREATE TABLE public.mlc_key (
    key_id text NOT NULL COLLATE pg_catalog."C",
    wrapped bytea NOT NULL,
    check_value bytea NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_lease (
    connection_id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    holder text NOT NULL,
    fence bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_legal_entity (
    connection_id integer NOT NULL,
    legal_entity text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL
);
CREATE TABLE public.mlc_link (
    connection_id integer NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    object_type text NOT NULL COLLATE pg_catalog."C",
    target_id text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    source_digest bytea NOT NULL,
    fingerprint_version integer NOT NULL,
    mapping_version integer NOT NULL,
    written bytea NOT NULL,
    subject_id text,
    state text NOT NULL,
    identity text COLLATE pg_catalog."C",
    role text DEFAULT 'owner'::text NOT NULL,
    missed integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.mlc_mapping (
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    digest bytea NOT NULL,
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_match (
    match_id bigint NOT NULL,
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    source_key text NOT NULL COLLATE pg_catalog."C",
    target_id text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL,
    score integer NOT NULL,
    state text NOT NULL,
    detail bytea NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    decided_by text NOT NULL
);
CREATE SEQUENCE public.mlc_match_match_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mlc_match_match_id_seq OWNED BY public.mlc_match.match_id;
CREATE TABLE public.mlc_match_run (
    connection_id integer NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    counters text NOT NULL
);
CREATE TABLE public.mlc_operation (
    connection_id integer NOT NULL,
    operation_id text NOT NULL COLLATE pg_catalog."C",
    process_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    reference text NOT NULL COLLATE pg_catalog."C",
    legal_entity text NOT NULL COLLATE pg_catalog."C",
    payload_version integer NOT NULL,
    payload bytea NOT NULL,
    payload_hash bytea NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    send_by timestamp with time zone NOT NULL,
    settle_until timestamp with time zone,
    external_id text NOT NULL,
    fence bigint NOT NULL,
    detail text NOT NULL,
    seq integer NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_parked (
    parked_id bigint NOT NULL,
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    cause text NOT NULL,
    message text NOT NULL,
    turn text NOT NULL,
    next_action text NOT NULL,
    detail text NOT NULL,
    source_digest bytea NOT NULL,
    state text NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer NOT NULL,
    payload bytea,
    reason text NOT NULL
);
CREATE SEQUENCE public.mlc_parked_parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.mlc_parked_parked_id_seq OWNED BY public.mlc_parked.parked_id;
CREATE TABLE public.mlc_process (
    connection_id integer NOT NULL,
    process_id text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    revision integer NOT NULL,
    state text NOT NULL,
    step text NOT NULL,
    release text NOT NULL,
    due_at timestamp with time zone,
    first_seen_at timestamp with time zone NOT NULL,
    quiet_since timestamp with time zone,
    snapshot bytea,
    snapshot_hash bytea,
    draft bytea,
    result text NOT NULL,
    message text NOT NULL,
    cause text NOT NULL,
    approved_by text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_progress (
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    cursor text,
    watermark text,
    pages integer NOT NULL,
    complete boolean NOT NULL,
    details text NOT NULL,
    rewind boolean NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_progress_history (
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    cursor text,
    watermark text,
    pages integer NOT NULL,
    complete boolean NOT NULL,
    details text NOT NULL,
    rewind boolean NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_rejected (
    connection_id integer NOT NULL,
    day text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    count integer NOT NULL
);
CREATE TABLE public.mlc_request (
    connection_id integer NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    state text NOT NULL,
    priority integer NOT NULL,
    what text NOT NULL,
    slice integer NOT NULL,
    attempt integer NOT NULL,
    worker text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    figures text NOT NULL,
    message text NOT NULL,
    cause text NOT NULL
);
CREATE TABLE public.mlc_run (
    connection_id integer NOT NULL,
    run_id text NOT NULL COLLATE pg_catalog."C",
    flow text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    state text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    counters text NOT NULL,
    message text NOT NULL,
    started_by text NOT NULL
);
CREATE TABLE public.mlc_schedule (
    connection_id integer NOT NULL,
    flow text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL,
    time_zone text NOT NULL,
    quiet text NOT NULL,
    next_at timestamp with time zone,
    paused_until timestamp with time zone,
    paused_by text NOT NULL
);
CREATE TABLE public.mlc_schema (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.mlc_secret (
    connection_id integer NOT NULL,
    field text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_seen (
    connection_id integer NOT NULL,
    crawl_id text NOT NULL COLLATE pg_catalog."C",
    seq integer NOT NULL,
    hashes bytea NOT NULL
);
CREATE TABLE public.mlc_side (
    connection_id integer NOT NULL,
    side text NOT NULL COLLATE pg_catalog."C",
    settings text NOT NULL,
    identity text NOT NULL,
    capabilities text NOT NULL,
    verified_at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_stage (
    connection_id integer NOT NULL,
    crawl_id text NOT NULL COLLATE pg_catalog."C",
    seq integer NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    change bytea NOT NULL
);
CREATE TABLE public.mlc_suppressed (
    connection_id integer NOT NULL,
    hash bytea NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.mlc_worker (
    worker_id text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.mlc_connection ALTER COLUMN connection_id SET DEFAULT nextval('public.mlc_connection_connection_id_seq'::regclass);
ALTER TABLE ONLY public.mlc_event ALTER COLUMN event_no SET DEFAULT nextval('public.mlc_event_event_no_seq'::regclass);
ALTER TABLE ONLY public.mlc_match ALTER COLUMN match_id SET DEFAULT nextval('public.mlc_match_match_id_seq'::regclass);
ALTER TABLE ONLY public.mlc_parked ALTER COLUMN parked_id SET DEFAULT nextval('public.mlc_parked_parked_id_seq'::regclass);
INSERT INTO public.mlc_audit VALUES (1, 1, 'id-000002', NULL, NULL, 'r1', 'created', NULL, 'customers', 'usmf:US-001', '2026-03-02 12:00:00+00', '\x7b226e223a307d');
INSERT INTO public.mlc_audit VALUES (1, 2, 'id-000003', NULL, NULL, 'r1', 'created', NULL, 'customers', 'usmf:US-001', '2026-03-02 12:00:00+00', '\x7b226e223a317d');
INSERT INTO public.mlc_audit_batch VALUES (1, 1, 'id-000002', 1, '2026-03-02 12:00:00+00', '\xa4614c7b0a55afd8cabc588359cbc9be9a3a69b3ea1075e272c58826fa28392c');
INSERT INTO public.mlc_audit_batch VALUES (1, 2, 'id-000003', 1, '2026-03-02 12:00:00+00', '\x74678caff6611833415a11394dd97d296cd538dba1cac145fc6ee39916d12bc6');
INSERT INTO public.mlc_audit_head VALUES (1, 2, '\x74678caff6611833415a11394dd97d296cd538dba1cac145fc6ee39916d12bc6');
INSERT INTO public.mlc_connection VALUES (1, 'default', '2026-03-02 12:00:00+00');
INSERT INTO public.mlc_key VALUES ('id-000001', '\x7bd5d47e446fcec2a3d811731ae4b8ddafe4256bc2eb3de7383bbb025293ec6c1f8d457ea7a42da5be58684cc5cb7cdfb500eed49eaebf21fb7e63db', '\x650a3b2ed8823c0d25036920b4199046d724c7962b48d9c15025147b56742b2d', 'writes', '2026-03-02 12:00:00+00');
INSERT INTO public.mlc_link VALUES (1, 'usmf:US-001', 'customers', 'companies', '9001', '\x7072696e74', '\x646967657374', 1, 1, '\x7b7d', NULL, 'live', NULL, 'owner', 0);
INSERT INTO public.mlc_parked VALUES (1, 1, 'customers', 'usmf:US-002', 'mapping.value', 'Bad', 'it', 'Mend it', '{}', '\x', 'open', '', '2026-03-02 12:00:00+00', '2026-03-02 12:00:00+00', 2, NULL, '');
INSERT INTO public.mlc_schema VALUES ('0005');
INSERT INTO public.mlc_secret VALUES (1, 'dynamics.client_secret', '\x010969642d30303030303116c6e9c92d99bf358c2e071821936a03a27d0b67f517ec15be552ed227003b35ee79fa81e9022ea4b5', '2026-03-02 12:00:00+00');
INSERT INTO public.mlc_side VALUES (1, 'dynamics', '{"url":"https://a"}', 'tenant', '{}', '2026-03-02 12:00:00+00');
SELECT pg_catalog.setval('public.mlc_connection_connection_id_seq', 2, true);
SELECT pg_catalog.setval('public.mlc_event_event_no_seq', 1, false);
SELECT pg_catalog.setval('public.mlc_match_match_id_seq', 1, false);
SELECT pg_catalog.setval('public.mlc_parked_parked_id_seq', 2, true);
ALTER TABLE ONLY public.mlc_association
    ADD CONSTRAINT mlc_association_pkey PRIMARY KEY (connection_id, key, flow, to_flow, to_key);
ALTER TABLE ONLY public.mlc_audit_batch
    ADD CONSTRAINT mlc_audit_batch_pkey PRIMARY KEY (connection_id, first_seq);
ALTER TABLE ONLY public.mlc_audit_head
    ADD CONSTRAINT mlc_audit_head_pkey PRIMARY KEY (connection_id);
ALTER TABLE ONLY public.mlc_audit_permit
    ADD CONSTRAINT mlc_audit_permit_pkey PRIMARY KEY (connection_id);
ALTER TABLE ONLY public.mlc_audit
    ADD CONSTRAINT mlc_audit_pkey PRIMARY KEY (connection_id, seq);
ALTER TABLE ONLY public.mlc_budget
    ADD CONSTRAINT mlc_budget_pkey PRIMARY KEY (connection_id, bucket);
ALTER TABLE ONLY public.mlc_budget_share
    ADD CONSTRAINT mlc_budget_share_pkey PRIMARY KEY (connection_id, bucket, holder);
ALTER TABLE ONLY public.mlc_call
    ADD CONSTRAINT mlc_call_pkey PRIMARY KEY (connection_id, call_id);
ALTER TABLE ONLY public.mlc_connection
    ADD CONSTRAINT mlc_connection_name_key UNIQUE (name);
ALTER TABLE ONLY public.mlc_connection
    ADD CONSTRAINT mlc_connection_pkey PRIMARY KEY (connection_id);
ALTER TABLE ONLY public.mlc_event
    ADD CONSTRAINT mlc_event_pkey PRIMARY KEY (event_no);
ALTER TABLE ONLY public.mlc_flow
    ADD CONSTRAINT mlc_flow_pkey PRIMARY KEY (connection_id, flow);
ALTER TABLE ONLY public.mlc_key
    ADD CONSTRAINT mlc_key_pkey PRIMARY KEY (key_id);
ALTER TABLE ONLY public.mlc_lease
    ADD CONSTRAINT mlc_lease_pkey PRIMARY KEY (connection_id, name);
ALTER TABLE ONLY public.mlc_legal_entity
    ADD CONSTRAINT mlc_legal_entity_pkey PRIMARY KEY (connection_id, legal_entity);
ALTER TABLE ONLY public.mlc_link
    ADD CONSTRAINT mlc_link_pkey PRIMARY KEY (connection_id, key, flow);
ALTER TABLE ONLY public.mlc_mapping
    ADD CONSTRAINT mlc_mapping_pkey PRIMARY KEY (connection_id, flow, version);
ALTER TABLE ONLY public.mlc_match
    ADD CONSTRAINT mlc_match_pkey PRIMARY KEY (match_id);
ALTER TABLE ONLY public.mlc_match_run
    ADD CONSTRAINT mlc_match_run_pkey PRIMARY KEY (connection_id, run_id);
ALTER TABLE ONLY public.mlc_operation
    ADD CONSTRAINT mlc_operation_pkey PRIMARY KEY (connection_id, operation_id);
ALTER TABLE ONLY public.mlc_parked
    ADD CONSTRAINT mlc_parked_pkey PRIMARY KEY (parked_id);
ALTER TABLE ONLY public.mlc_process
    ADD CONSTRAINT mlc_process_pkey PRIMARY KEY (connection_id, process_id);
ALTER TABLE ONLY public.mlc_progress_history
    ADD CONSTRAINT mlc_progress_history_pkey PRIMARY KEY (connection_id, flow, seq);
ALTER TABLE ONLY public.mlc_progress
    ADD CONSTRAINT mlc_progress_pkey PRIMARY KEY (connection_id, flow);
ALTER TABLE ONLY public.mlc_rejected
    ADD CONSTRAINT mlc_rejected_pkey PRIMARY KEY (connection_id, day, source, reason);
ALTER TABLE ONLY public.mlc_request
    ADD CONSTRAINT mlc_request_pkey PRIMARY KEY (connection_id, request_id);
ALTER TABLE ONLY public.mlc_run
    ADD CONSTRAINT mlc_run_pkey PRIMARY KEY (connection_id, run_id);
ALTER TABLE ONLY public.mlc_schedule
    ADD CONSTRAINT mlc_schedule_pkey PRIMARY KEY (connection_id, flow);
ALTER TABLE ONLY public.mlc_schema
    ADD CONSTRAINT mlc_schema_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.mlc_secret
    ADD CONSTRAINT mlc_secret_pkey PRIMARY KEY (connection_id, field);
ALTER TABLE ONLY public.mlc_seen
    ADD CONSTRAINT mlc_seen_pkey PRIMARY KEY (connection_id, crawl_id, seq);
ALTER TABLE ONLY public.mlc_side
    ADD CONSTRAINT mlc_side_pkey PRIMARY KEY (connection_id, side);
ALTER TABLE ONLY public.mlc_stage
    ADD CONSTRAINT mlc_stage_pkey PRIMARY KEY (connection_id, crawl_id, seq);
ALTER TABLE ONLY public.mlc_suppressed
    ADD CONSTRAINT mlc_suppressed_pkey PRIMARY KEY (connection_id, hash);
ALTER TABLE ONLY public.mlc_worker
    ADD CONSTRAINT mlc_worker_pkey PRIMARY KEY (worker_id);
CREATE INDEX mlc_association_open ON public.mlc_association USING btree (connection_id, flow, key) WHERE (state <> 'made'::text);
CREATE INDEX mlc_audit_record ON public.mlc_audit USING btree (connection_id, flow, key, seq);
CREATE INDEX mlc_call_open ON public.mlc_call USING btree (connection_id, run_id) WHERE (outcome IS NULL);
CREATE INDEX mlc_event_due ON public.mlc_event USING btree (connection_id, flow, due_at) WHERE ((outcome = 'accepted'::text) AND (done_at IS NULL));
CREATE INDEX mlc_event_identity ON public.mlc_event USING btree (connection_id, identity);
CREATE INDEX mlc_event_open ON public.mlc_event USING btree (connection_id, flow, key) WHERE ((outcome = 'accepted'::text) AND (done_at IS NULL));
CREATE INDEX mlc_event_taken ON public.mlc_event USING btree (connection_id, take_id) WHERE ((take_id IS NOT NULL) AND (done_at IS NULL));
CREATE INDEX mlc_link_aside ON public.mlc_link USING btree (connection_id, flow, state, key) WHERE (state <> 'live'::text);
CREATE INDEX mlc_link_identity ON public.mlc_link USING btree (connection_id, flow, identity) WHERE (identity IS NOT NULL);
CREATE INDEX mlc_link_target ON public.mlc_link USING btree (connection_id, target_id, object_type);
CREATE UNIQUE INDEX mlc_mapping_digest ON public.mlc_mapping USING btree (connection_id, flow, digest);
CREATE INDEX mlc_match_source ON public.mlc_match USING btree (connection_id, flow, source_key);
CREATE INDEX mlc_match_state ON public.mlc_match USING btree (connection_id, flow, state, match_id);
CREATE INDEX mlc_operation_process ON public.mlc_operation USING btree (connection_id, process_id, seq);
CREATE UNIQUE INDEX mlc_parked_open ON public.mlc_parked USING btree (connection_id, flow, key) WHERE (state = 'open'::text);
CREATE INDEX mlc_parked_state ON public.mlc_parked USING btree (connection_id, state, parked_id);
CREATE INDEX mlc_process_due ON public.mlc_process USING btree (connection_id, flow, state, due_at);
CREATE UNIQUE INDEX mlc_process_subject ON public.mlc_process USING btree (connection_id, flow, subject, revision);
CREATE INDEX mlc_request_asked ON public.mlc_request USING btree (connection_id, asked_at);
CREATE INDEX mlc_request_open ON public.mlc_request USING btree (due_at) WHERE (ended_at IS NULL);
CREATE INDEX mlc_run_open ON public.mlc_run USING btree (connection_id, flow) WHERE (state = 'running'::text);
CREATE INDEX mlc_run_started ON public.mlc_run USING btree (connection_id, started_at);
CREATE TRIGGER mlc_audit_batch_no_delete BEFORE DELETE ON public.mlc_audit_batch FOR EACH ROW EXECUTE FUNCTION public.mlc_audit_batch_may_delete();
CREATE TRIGGER mlc_audit_batch_no_truncate BEFORE TRUNCATE ON public.mlc_audit_batch FOR EACH STATEMENT EXECUTE FUNCTION public.mlc_append_only();
CREATE TRIGGER mlc_audit_batch_no_update BEFORE UPDATE ON public.mlc_audit_batch FOR EACH ROW EXECUTE FUNCTION public.mlc_append_only();
CREATE TRIGGER mlc_audit_no_delete BEFORE DELETE ON public.mlc_audit FOR EACH ROW EXECUTE FUNCTION public.mlc_audit_may_delete();
CREATE TRIGGER mlc_audit_no_truncate BEFORE TRUNCATE ON public.mlc_audit FOR EACH STATEMENT EXECUTE FUNCTION public.mlc_append_only();
CREATE TRIGGER mlc_audit_no_update BEFORE UPDATE ON public.mlc_audit FOR EACH ROW EXECUTE FUNCTION public.mlc_append_only();
