-- What assistants answer: threads with their messages, memories, runs with their
-- approvals and events, what was spent of budgets, and automations.
--
-- Most rows are one document, beside the few columns that queries ask for.
--
-- Values of settings beside those of 000001, 000004 and 000005, likewise for one
-- transaction only:
--
-- app.token  a token that was shown before, by which a run asks again for its caller
-- app.sweep  `runs`: runs, approvals and events may be seen, to go on with them

ALTER TABLE usage
    ADD COLUMN input_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN output_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN cost_micros bigint NOT NULL DEFAULT 0;

CREATE INDEX api_tokens_id_idx ON api_tokens (id);

CREATE TABLE threads (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- May be of another organization, and may be gone.
    assistant_id uuid,
    visible boolean NOT NULL,
    -- The title in lower case, as searches compare it.
    title_key text COLLATE "C",
    metadata jsonb NOT NULL,
    revision bigint NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
-- Ids grow with time, so the newest has the last.
CREATE INDEX threads_page_idx ON threads (organization_id, user_id, visible, id);

CREATE TABLE messages (
    organization_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    position bigint NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, thread_id, position),
    FOREIGN KEY (organization_id, thread_id) REFERENCES threads ON DELETE CASCADE
);

CREATE TABLE memories (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX memories_page_idx ON memories (organization_id, user_id, assistant_id, id);

CREATE TABLE runs (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL CHECK (status IN (
        'queued', 'in_progress', 'requires_approval', 'completed', 'failed', 'cancelled'
    )),
    visible boolean NOT NULL,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- Whether its events were removed, once it was long over.
    events_swept boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX runs_user_idx ON runs (organization_id, user_id);
CREATE INDEX runs_active_idx ON runs (organization_id, user_id)
    WHERE status IN ('queued', 'in_progress');
CREATE INDEX runs_lease_idx ON runs (lease_until)
    WHERE status IN ('queued', 'in_progress') AND lease_until IS NOT NULL;
CREATE INDEX runs_turn_idx ON runs (created_at) WHERE status = 'queued' AND lease_until IS NULL;
CREATE INDEX runs_waiting_idx ON runs (organization_id, id) WHERE status = 'requires_approval';
CREATE INDEX runs_forgettable_idx ON runs (finished_at) WHERE NOT visible;
CREATE INDEX runs_sweep_idx ON runs (finished_at) WHERE NOT events_swept;

CREATE TABLE approvals (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    state text COLLATE "C" NOT NULL
        CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
    expires_at timestamptz NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, run_id) REFERENCES runs ON DELETE CASCADE
);
CREATE INDEX approvals_run_idx ON approvals (organization_id, run_id, id);

CREATE TABLE run_events (
    organization_id uuid NOT NULL,
    run_id uuid NOT NULL,
    sequence bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (organization_id, run_id, sequence),
    FOREIGN KEY (organization_id, run_id) REFERENCES runs ON DELETE CASCADE
);

-- What was spent under a budget. It outlives what it was spent for.
CREATE TABLE spending (
    organization_id uuid NOT NULL REFERENCES organizations,
    subject text COLLATE "C" NOT NULL
        CHECK (subject IN ('organization', 'user', 'token', 'assistant')),
    subject_id text COLLATE "C" NOT NULL,
    period text COLLATE "C" NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    cost_micros bigint NOT NULL CHECK (cost_micros >= 0),
    reserved_tokens bigint NOT NULL CHECK (reserved_tokens >= 0),
    PRIMARY KEY (organization_id, subject, subject_id, period)
);

CREATE TABLE automations (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX automations_name_key ON automations (organization_id, name_key);

CREATE TABLE executions (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    automation_id uuid NOT NULL,
    document json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, automation_id) REFERENCES automations ON DELETE CASCADE
);
CREATE INDEX executions_page_idx ON executions (organization_id, automation_id, id);

DO $$
DECLARE
    tenant_table text;
    mine constant text := 'nullif(current_setting(''app.organization'', true), '''')::uuid';
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'threads', 'messages', 'memories', 'runs', 'approvals', 'run_events', 'spending',
        'automations', 'executions'
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

CREATE POLICY known ON api_tokens FOR SELECT
    USING (id = nullif(current_setting('app.token', true), '')::uuid);
CREATE POLICY sweep_seen ON runs FOR SELECT
    USING (current_setting('app.sweep', true) = 'runs');
CREATE POLICY sweep_seen ON approvals FOR SELECT
    USING (current_setting('app.sweep', true) = 'runs');
CREATE POLICY sweep_seen ON run_events FOR SELECT
    USING (current_setting('app.sweep', true) = 'runs');

GRANT SELECT, INSERT, UPDATE, DELETE ON threads, runs, automations TO understudy_app;
-- None of these ever changes.
GRANT SELECT, INSERT, DELETE ON messages, memories, run_events TO understudy_app;
-- None goes but with what it belongs to.
GRANT SELECT, INSERT, UPDATE ON approvals, spending, executions TO understudy_app;

-- Threads of a user that they see, as documents, in the order of ids. The planner cannot
-- know how few rows the filters leave out, hence the settings: an index walk.
CREATE FUNCTION list_threads(
    tenant uuid, its_user uuid, ascending boolean, after_id uuid, wanted_assistant uuid,
    wanted_q text, wanted_metadata jsonb, take bigint
) RETURNS SETOF json LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.organization', tenant::text, true);
    IF ascending THEN
        RETURN QUERY
            SELECT t.document FROM threads t
            WHERE t.organization_id = tenant AND t.user_id = its_user AND t.visible
              AND t.id > after_id
              AND (wanted_assistant IS NULL OR t.assistant_id = wanted_assistant)
              AND (wanted_q IS NULL OR strpos(t.title_key, wanted_q) > 0)
              AND t.metadata @> wanted_metadata
            ORDER BY t.id LIMIT take;
    ELSE
        RETURN QUERY
            SELECT t.document FROM threads t
            WHERE t.organization_id = tenant AND t.user_id = its_user AND t.visible
              AND t.id < after_id
              AND (wanted_assistant IS NULL OR t.assistant_id = wanted_assistant)
              AND (wanted_q IS NULL OR strpos(t.title_key, wanted_q) > 0)
              AND t.metadata @> wanted_metadata
            ORDER BY t.id DESC LIMIT take;
    END IF;
END
$$;

-- Adds events of runs of any organizations, but none that is there and none of a run
-- that is not (any more), and tells all servers. The runs are locked first, so that
-- none of them goes meanwhile.
--
-- The commit does not wait for the disk, so that the lock that a commit with a
-- notification has on the whole server is short.
CREATE FUNCTION append_run_events(
    tenants uuid[], its_runs uuid[], sequences bigint[], names text[], documents json[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
    tenant uuid;
BEGIN
    ignored := set_config('synchronous_commit', 'off', true);
    FOR tenant IN SELECT DISTINCT t.id FROM unnest(tenants) AS t (id) ORDER BY t.id LOOP
        ignored := set_config('app.organization', tenant::text, true);
        WITH there AS MATERIALIZED (
            SELECT r.id FROM runs r
            WHERE r.organization_id = tenant AND r.id = ANY (its_runs)
            ORDER BY r.id FOR KEY SHARE
        )
        INSERT INTO run_events (organization_id, run_id, sequence, name, data)
            SELECT tenant, e.run_id, e.sequence, e.name, e.data
            FROM unnest(tenants, its_runs, sequences, names, documents)
                AS e (organization_id, run_id, sequence, name, data)
            WHERE e.organization_id = tenant AND e.run_id IN (SELECT there.id FROM there)
            ON CONFLICT (organization_id, run_id, sequence) DO NOTHING;
    END LOOP;
    PERFORM pg_notify('understudy_run_events', e.run_id || ' ' || max(e.sequence))
        FROM unnest(its_runs, sequences) AS e (run_id, sequence) GROUP BY e.run_id;
END
$$;

-- What each of the keys has spent. Makes rows of keys that have none, so that all of
-- them can be locked, in the order of the keys.
CREATE FUNCTION lock_spending(tenant uuid, subjects text[], ids text[], periods text[])
RETURNS TABLE (
    subject text, subject_id text, period text,
    tokens bigint, cost_micros bigint, reserved_tokens bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO spending
            (organization_id, subject, subject_id, period, tokens, cost_micros, reserved_tokens)
        SELECT DISTINCT tenant, k.subject COLLATE "C", k.subject_id COLLATE "C",
               k.period COLLATE "C", 0, 0, 0
        FROM unnest(subjects, ids, periods) AS k (subject, subject_id, period)
        ORDER BY 2, 3, 4
        ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT s.subject, s.subject_id, s.period, s.tokens, s.cost_micros, s.reserved_tokens
        FROM spending s
        WHERE s.organization_id = tenant AND (s.subject, s.subject_id, s.period) IN (
            SELECT k.subject COLLATE "C", k.subject_id COLLATE "C", k.period COLLATE "C"
            FROM unnest(subjects, ids, periods) AS k (subject, subject_id, period)
        )
        ORDER BY s.subject, s.subject_id, s.period
        FOR NO KEY UPDATE;
END
$$;

-- Adds differences to what each key has spent, in the order of the keys. No sum goes
-- below nothing.
CREATE FUNCTION add_spending(
    tenant uuid, subjects text[], ids text[], periods text[],
    more_tokens bigint[], more_cost bigint[], more_reserved bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT c.subject, c.subject_id, c.period, c.tokens, c.cost_micros, c.reserved_tokens
        FROM unnest(subjects, ids, periods, more_tokens, more_cost, more_reserved)
            AS c (subject, subject_id, period, tokens, cost_micros, reserved_tokens)
        ORDER BY c.subject COLLATE "C", c.subject_id COLLATE "C", c.period COLLATE "C"
    LOOP
        INSERT INTO spending AS s
                (organization_id, subject, subject_id, period, tokens, cost_micros,
                 reserved_tokens)
            VALUES (tenant, change.subject, change.subject_id, change.period,
                greatest(change.tokens, 0), greatest(change.cost_micros, 0),
                greatest(change.reserved_tokens, 0))
            ON CONFLICT (organization_id, subject, subject_id, period) DO UPDATE SET
                tokens = greatest(s.tokens + change.tokens, 0),
                cost_micros = greatest(s.cost_micros + change.cost_micros, 0),
                reserved_tokens = greatest(s.reserved_tokens + change.reserved_tokens, 0);
    END LOOP;
END
$$;

-- What is to be gone on with, ended or swept out in all organizations. As for
-- deliveries, the planner cannot know that the limits are small, hence the settings:
-- index walks.
CREATE FUNCTION find_abandoned_runs(moment timestamptz, queued_before timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'runs', true);
    RETURN QUERY
        (
            SELECT r.organization_id, r.id FROM runs r
            WHERE r.status IN ('queued', 'in_progress') AND r.lease_until <= moment
            ORDER BY r.lease_until LIMIT take
        ) UNION ALL (
            SELECT r.organization_id, r.id FROM runs r
            WHERE r.status = 'queued' AND r.lease_until IS NULL AND r.created_at < queued_before
            ORDER BY r.created_at LIMIT take
        )
        LIMIT take;
END
$$;

CREATE FUNCTION find_overdue_runs(moment timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'runs', true);
    RETURN QUERY
        SELECT r.organization_id, r.id FROM runs r
        WHERE r.status = 'requires_approval' AND coalesce((
            SELECT true FROM approvals a
            WHERE a.organization_id = r.organization_id AND a.run_id = r.id
              AND a.state = 'pending' AND a.expires_at <= moment
            LIMIT 1
        ), false)
        ORDER BY r.organization_id, r.id LIMIT take;
END
$$;

CREATE FUNCTION find_forgettable_runs(ended_before timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'runs', true);
    RETURN QUERY
        SELECT r.organization_id, r.id FROM runs r
        WHERE NOT r.visible AND r.finished_at < ended_before
        ORDER BY r.finished_at LIMIT take;
END
$$;

-- Removes the events of runs that are long over; of how many runs it did. Of two
-- servers that sweep at the same time, the other one waits for a run and passes it by.
CREATE FUNCTION sweep_run_events(ended_before timestamptz, take bigint)
RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ignored text;
    one record;
    swept bigint := 0;
BEGIN
    ignored := set_config('app.sweep', 'runs', true);
    FOR one IN
        SELECT r.organization_id, r.id FROM runs r
        WHERE NOT r.events_swept AND r.finished_at < ended_before AND coalesce((
            SELECT true FROM run_events e
            WHERE e.organization_id = r.organization_id AND e.run_id = r.id
            LIMIT 1
        ), false)
        ORDER BY r.finished_at LIMIT take
    LOOP
        ignored := set_config('app.organization', one.organization_id::text, true);
        UPDATE runs r SET events_swept = true
            WHERE r.organization_id = one.organization_id AND r.id = one.id
              AND NOT r.events_swept;
        IF FOUND THEN
            DELETE FROM run_events e
                WHERE e.organization_id = one.organization_id AND e.run_id = one.id;
            swept := swept + 1;
        END IF;
    END LOOP;
    RETURN swept;
END
$$;

-- As in 000006; a run also asks for its caller by a token that they showed before.
DROP FUNCTION find_caller(bytea, bytea, uuid, uuid, text);

-- The caller behind the first of these four that is given: no row when there is none,
-- two when the assistant is a draft (the other has the live one). The case that counts,
-- an assistant of the caller's organization by id, takes two queries.
CREATE FUNCTION find_caller(
    shown_token bytea,
    shown_cookie bytea,
    shown_session uuid,
    known_token uuid,
    wanted_id uuid,
    wanted_slug text
) RETURNS SETOF caller_record LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
    tenant uuid;
    who uuid;
    ends timestamptz;
    its_session uuid;
    its_token uuid;
    only_reading boolean;
    only_assistant uuid;
    only_from text;
    only_for text[];
    found_one caller_record;
BEGIN
    IF shown_token IS NOT NULL THEN
        ignored := set_config('app.credential', encode(shown_token, 'hex'), true);
        SELECT t.organization_id, t.user_id, t.expires_at, t.id, t.read_only, t.assistant_id,
               t.cidr, t.scopes
            INTO tenant, who, ends, its_token, only_reading, only_assistant, only_from, only_for
            FROM api_tokens t WHERE t.hash = shown_token;
    ELSIF shown_cookie IS NOT NULL THEN
        ignored := set_config('app.credential', encode(shown_cookie, 'hex'), true);
        SELECT s.organization_id, s.user_id, s.expires_at, s.id
            INTO tenant, who, ends, its_session
            FROM sessions s WHERE s.cookie = shown_cookie;
    ELSIF shown_session IS NOT NULL THEN
        ignored := set_config('app.session', shown_session::text, true);
        SELECT s.organization_id, s.user_id, s.expires_at, s.id
            INTO tenant, who, ends, its_session
            FROM sessions s WHERE s.id = shown_session;
    ELSE
        ignored := set_config('app.token', known_token::text, true);
        SELECT t.organization_id, t.user_id, t.expires_at, t.id, t.read_only, t.assistant_id,
               t.cidr, t.scopes
            INTO tenant, who, ends, its_token, only_reading, only_assistant, only_from, only_for
            FROM api_tokens t WHERE t.id = known_token;
    END IF;
    IF tenant IS NULL THEN
        RETURN;
    END IF;

    ignored := set_config('app.organization', tenant::text, true);
    IF wanted_slug IS NOT NULL THEN
        wanted_id := (
            SELECT a.id FROM assistants a
            WHERE a.organization_id = tenant AND a.slug = wanted_slug AND a.editing_id IS NULL
        );
    END IF;
    SELECT u.organization_id, u.id, u.email, u.name, u.role, u.departments, u.teams,
           u.team_roles, u.ai_seat, u.disabled, ends, its_session, its_token, only_reading,
           only_assistant, only_from, only_for, a.organization_id, a.id, a.editing_id, a.slug,
           a.owner_user, a.owner_team, a.created_by, a.created_at, a.updated_at, a.deleted_at,
           a.is_default, a.version, a.revision, a.content, a.policy, a.shares, a.tags,
           (
               SELECT d.id FROM assistants d
               WHERE d.organization_id = tenant AND d.editing_id = a.id
           )
        INTO found_one
        FROM users u
        LEFT JOIN assistants a ON a.organization_id = tenant AND a.id = wanted_id
        WHERE u.organization_id = tenant AND u.id = who;
    IF found_one.caller_user IS NULL THEN
        RETURN;
    END IF;
    IF found_one.id IS NOT NULL OR wanted_id IS NULL THEN
        RETURN NEXT found_one;
        IF found_one.editing_id IS NULL THEN
            RETURN;
        END IF;
    END IF;

    -- Also returned: the live one of a draft. Else: one of another organization.
    SELECT l.organization_id, l.id, l.editing_id, l.slug, l.owner_user, l.owner_team,
           l.created_by, l.created_at, l.updated_at, l.deleted_at, l.is_default,
           l.version, l.revision, l.content, l.policy, l.shares, l.tags,
           CASE WHEN found_one.id IS NOT NULL THEN found_one.id END
        INTO found_one.organization_id, found_one.id, found_one.editing_id, found_one.slug,
             found_one.owner_user, found_one.owner_team, found_one.created_by,
             found_one.created_at, found_one.updated_at, found_one.deleted_at,
             found_one.is_default, found_one.version, found_one.revision, found_one.content,
             found_one.policy, found_one.shares, found_one.tags, found_one.draft_id
        FROM assistants l
        WHERE l.id = coalesce(found_one.editing_id, wanted_id)
          AND (l.organization_id = tenant OR (
              found_one.editing_id IS NULL AND l.access_mode IN ('global', 'public')
              AND l.editing_id IS NULL AND l.deleted_at IS NULL
          ));
    RETURN NEXT found_one;
END
$$;
