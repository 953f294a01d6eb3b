-- What people do together: rules, comments, tags, favourites, webhooks, and a log of
-- it all in which each event is chained to the one before.
--
-- Values of settings beside those of 000001 and 000004, likewise for one transaction
-- only:
--
-- app.sweep  `organizations`: all of them may be seen
--            `webhooks`: webhooks, deliveries and heads of logs may be seen, to send

ALTER TABLE organizations ADD COLUMN revision bigint NOT NULL DEFAULT 1;

ALTER TABLE users ADD COLUMN external_id text COLLATE "C";
CREATE UNIQUE INDEX users_external_id_key ON users (organization_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE INDEX api_tokens_assistant_idx ON api_tokens (organization_id, assistant_id)
    WHERE assistant_id IS NOT NULL;

-- The log. Events from before it was chained get numbers, but no hash.
ALTER TABLE audit_events
    ADD COLUMN seq bigint,
    ADD COLUMN hash bytea CHECK (octet_length(hash) = 32),
    ADD COLUMN assistant_id uuid;

-- Where the log of an organization ends. Whoever adds events locks its row until the
-- commit, so that numbers grow in the order of commits.
CREATE TABLE audit_heads (
    organization_id uuid PRIMARY KEY REFERENCES organizations,
    seq bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- The wall holds for the owner too, who has no organization here.
ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY;
UPDATE audit_events e SET seq = numbered.seq
    FROM (
        SELECT n.organization_id, n.id,
               row_number() OVER (PARTITION BY n.organization_id ORDER BY n.id) AS seq
        FROM audit_events n
    ) numbered
    WHERE e.organization_id = numbered.organization_id AND e.id = numbered.id;
INSERT INTO audit_heads (organization_id, seq, hash)
    SELECT e.organization_id, max(e.seq), decode(repeat('00', 32), 'hex')
    FROM audit_events e GROUP BY e.organization_id;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;

ALTER TABLE audit_events ALTER COLUMN seq SET NOT NULL;
CREATE UNIQUE INDEX audit_events_seq_key ON audit_events (organization_id, seq);
DROP INDEX audit_events_target_idx;
CREATE INDEX audit_events_target_idx ON audit_events (organization_id, target, seq);
CREATE INDEX audit_events_assistant_idx ON audit_events (organization_id, assistant_id, seq)
    WHERE assistant_id IS NOT NULL;
CREATE INDEX audit_events_actor_idx ON audit_events (organization_id, actor, seq);

CREATE TABLE rules (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    description text,
    -- In lower case, as searches compare it; empty when there is none.
    description_key text COLLATE "C" NOT NULL,
    content text NOT NULL,
    category text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    apply_mode text COLLATE "C" NOT NULL,
    is_public boolean NOT NULL,
    is_active boolean NOT NULL,
    version bigint NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX rules_name_key ON rules (organization_id, name_key);

-- What rules are attached to beside assistants, whose content carries theirs.
CREATE TABLE rule_attachments (
    organization_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    entity_kind text COLLATE "C" NOT NULL
        CHECK (entity_kind IN ('organization', 'user', 'model', 'vector_store')),
    entity_id text COLLATE "C" NOT NULL,
    priority smallint NOT NULL,
    character_limit bigint NOT NULL,
    is_active boolean NOT NULL,
    attached_at timestamptz NOT NULL,
    attached_by uuid NOT NULL,
    PRIMARY KEY (organization_id, rule_id, entity_kind, entity_id),
    FOREIGN KEY (organization_id, rule_id) REFERENCES rules ON DELETE CASCADE
);
CREATE INDEX rule_attachments_entity_idx
    ON rule_attachments (organization_id, entity_kind, entity_id);

CREATE TABLE comments (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    parent_id uuid,
    author uuid NOT NULL,
    message text NOT NULL,
    pointer text,
    resolved_at timestamptz,
    resolved_by uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, parent_id) REFERENCES comments ON DELETE CASCADE,
    CHECK (num_nonnulls(resolved_at, resolved_by) IN (0, 2))
);
CREATE INDEX comments_page_idx ON comments (organization_id, assistant_id, id)
    WHERE parent_id IS NULL;
CREATE INDEX comments_time_idx ON comments (organization_id, assistant_id, created_at);
CREATE INDEX comments_parent_idx ON comments (organization_id, parent_id, id);

CREATE TABLE comment_reads (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    read_until timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id, assistant_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE TABLE tags (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    color text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX tags_name_key ON tags (organization_id, name_key);

-- Of the user's organization; the assistant may be of another.
CREATE TABLE favorites (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id, assistant_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE TABLE webhooks (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    url text NOT NULL,
    description text,
    events text[] NOT NULL,
    -- Sealed with the organization's data key.
    secret bytea NOT NULL,
    enabled boolean NOT NULL,
    disabled_reason text,
    cursor bigint NOT NULL,
    failing_since timestamptz,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX webhooks_enabled_idx ON webhooks (organization_id) WHERE enabled;

CREATE TABLE webhook_deliveries (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    event_seq bigint NOT NULL,
    event_id uuid NOT NULL,
    action text NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts json NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, webhook_id) REFERENCES webhooks ON DELETE CASCADE
);
-- Ids grow with time, so the newest has the last.
CREATE INDEX webhook_deliveries_page_idx
    ON webhook_deliveries (organization_id, webhook_id, id);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (next_attempt_at)
    WHERE state = 'pending';

DO $$
DECLARE
    tenant_table text;
    mine constant text := 'nullif(current_setting(''app.organization'', true), '''')::uuid';
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'audit_heads', 'rules', 'rule_attachments', 'comments', 'comment_reads', 'tags',
        'favorites', 'webhooks', 'webhook_deliveries'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (organization_id = %s) WITH CHECK (organization_id = %s)',
            tenant_table, mine, mine
        );
    END LOOP;
END
$$;

CREATE POLICY sweep_seen ON organizations FOR SELECT
    USING (current_setting('app.sweep', true) = 'organizations');
CREATE POLICY sweep_seen ON webhooks FOR SELECT
    USING (current_setting('app.sweep', true) = 'webhooks');
CREATE POLICY sweep_seen ON webhook_deliveries FOR SELECT
    USING (current_setting('app.sweep', true) = 'webhooks');
CREATE POLICY sweep_seen ON audit_heads FOR SELECT
    USING (current_setting('app.sweep', true) = 'webhooks');

GRANT SELECT, INSERT, UPDATE, DELETE ON rules, rule_attachments, comments, tags, webhooks
    TO understudy_app;
-- Neither goes but with what it belongs to.
GRANT SELECT, INSERT, UPDATE ON comment_reads, webhook_deliveries TO understudy_app;
-- A mark never changes.
GRANT SELECT, INSERT, DELETE ON favorites TO understudy_app;
-- The log grows: its head moves on, and never goes.
GRANT SELECT, INSERT ON audit_heads TO understudy_app;
GRANT UPDATE (seq, hash) ON audit_heads TO understudy_app;
-- Other keys, the same values.
GRANT UPDATE (key_check) ON installation TO understudy_app;
GRANT UPDATE (wrapped) ON data_keys TO understudy_app;
GRANT UPDATE (ciphertext) ON sealed_values TO understudy_app;

-- An event that is to be added to the log, with the bytes that its hash is made of.
CREATE TYPE new_event AS (
    id uuid,
    at timestamptz,
    actor uuid,
    token uuid,
    address text,
    request_id text,
    action text,
    target text,
    assistant_id uuid,
    before json,
    after json,
    canonical bytea
);

-- Adds events to the log of an organization, each chained to the one before. Called
-- in one message with COMMIT: others who write in the organization wait for the
-- head, so nothing else is done while it is locked.
CREATE FUNCTION append_events(tenant uuid, added new_event[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last_seq bigint;
    last_hash bytea;
    event new_event;
BEGIN
    LOOP
        SELECT h.seq, h.hash INTO last_seq, last_hash
            FROM audit_heads h WHERE h.organization_id = tenant FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        -- The first event. Of two who add it, one waits here and then finds the head.
        INSERT INTO audit_heads (organization_id, seq, hash)
            VALUES (tenant, 0, decode(repeat('00', 32), 'hex'))
            ON CONFLICT (organization_id) DO NOTHING;
    END LOOP;
    FOREACH event IN ARRAY added LOOP
        last_seq := last_seq + 1;
        last_hash := sha256(last_hash || int8send(last_seq) || event.canonical);
        INSERT INTO audit_events (organization_id, id, at, actor, token, address, request_id,
                action, target, before, after, seq, hash, assistant_id)
            VALUES (tenant, event.id, event.at, event.actor, event.token, event.address,
                event.request_id, event.action, event.target, event.before, event.after,
                last_seq, last_hash, event.assistant_id);
    END LOOP;
    UPDATE audit_heads h SET seq = last_seq, hash = last_hash WHERE h.organization_id = tenant;
END
$$;

-- The newest data key, shared with others who seal with it until the transaction
-- ends. Whoever waited here for a change of keys gets the one that was made then.
CREATE FUNCTION newest_data_key(tenant uuid) RETURNS SETOF data_keys LANGUAGE plpgsql AS $$
DECLARE
    found_one data_keys;
BEGIN
    LOOP
        SELECT k.* INTO found_one FROM data_keys k WHERE k.organization_id = tenant
            ORDER BY k.created_at DESC, k.id DESC LIMIT 1 FOR SHARE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        PERFORM FROM data_keys k
            WHERE k.organization_id = tenant
              AND (k.created_at, k.id) > (found_one.created_at, found_one.id);
        IF NOT FOUND THEN
            RETURN NEXT found_one;
            RETURN;
        END IF;
    END LOOP;
END
$$;

-- Organizations behind one, of all there are.
CREATE FUNCTION list_organizations(after_id uuid, take bigint)
RETURNS TABLE (id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'organizations', true);
    RETURN QUERY
        SELECT o.id FROM organizations o WHERE o.id > after_id ORDER BY o.id LIMIT take;
END
$$;

-- Webhooks of all organizations that have not read their log to its end. Those that
-- are furthest behind come first, so that none waits for ever behind busy ones.
CREATE FUNCTION find_webhooks_behind(take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'webhooks', true);
    RETURN QUERY
        SELECT w.organization_id, w.id FROM webhooks w
        JOIN audit_heads h ON h.organization_id = w.organization_id
        WHERE w.enabled AND w.cursor < h.seq
        ORDER BY h.seq - w.cursor DESC, w.organization_id, w.id LIMIT take;
END
$$;

-- Deliveries of all organizations that are to be tried. The planner cannot know that
-- the limit is small, hence the settings: an index walk.
CREATE FUNCTION find_due_deliveries(moment timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'webhooks', true);
    RETURN QUERY
        SELECT d.organization_id, d.id FROM webhook_deliveries d
        WHERE d.state = 'pending' AND d.next_attempt_at <= moment AND EXISTS (
            SELECT FROM webhooks w
            WHERE w.organization_id = d.organization_id AND w.id = d.webhook_id AND w.enabled
        )
        ORDER BY d.next_attempt_at LIMIT take;
END
$$;
