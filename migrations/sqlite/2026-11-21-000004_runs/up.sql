-- What assistants answer: threads with their messages, memories, runs with their
-- approvals and events, what was spent of budgets, and automations.
--
-- Most rows are one document, beside the few columns that queries ask for. It stands
-- last, so that reading those does not walk its overflow pages.

ALTER TABLE usage ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN cost_micros INTEGER NOT NULL DEFAULT 0;

-- A run names the token that began it, before anything else is known of the caller.
CREATE UNIQUE INDEX api_tokens_by_id ON api_tokens (id);

CREATE TABLE threads (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- May be of another organization, and may be gone.
    assistant_id TEXT,
    visible INTEGER NOT NULL CHECK (visible IN (0, 1)),
    -- The title in lower case, as searches compare it.
    title_key TEXT,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
        ON DELETE CASCADE
) STRICT;

-- Ids grow with time, so the newest has the last.
CREATE INDEX threads_in_order ON threads (organization_id, user_id, visible, id);

-- With a rowid, as what people say can be long.
CREATE TABLE messages (
    organization_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, thread_id, position),
    FOREIGN KEY (organization_id, thread_id) REFERENCES threads (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE TABLE memories (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX memories_in_order ON memories (organization_id, user_id, assistant_id, id);

CREATE TABLE runs (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'queued', 'in_progress', 'requires_approval', 'completed', 'failed', 'cancelled'
    )),
    visible INTEGER NOT NULL CHECK (visible IN (0, 1)),
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    -- Whether its events were removed, once it was long over.
    events_swept INTEGER NOT NULL DEFAULT 0 CHECK (events_swept IN (0, 1)),
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX runs_by_user ON runs (organization_id, user_id, status);
CREATE INDEX runs_by_lease ON runs (lease_until) WHERE status IN ('queued', 'in_progress');
CREATE INDEX runs_by_turn ON runs (created_at) WHERE status = 'queued' AND lease_until IS NULL;
CREATE INDEX runs_that_wait ON runs (organization_id, id) WHERE status = 'requires_approval';
CREATE INDEX runs_to_forget ON runs (finished_at) WHERE visible = 0;
CREATE INDEX runs_to_sweep ON runs (finished_at) WHERE events_swept = 0;

CREATE TABLE approvals (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
    expires_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, run_id) REFERENCES runs (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX approvals_in_order ON approvals (organization_id, run_id, id);

-- Without a rowid: they are many, short, and written and read in this order.
CREATE TABLE run_events (
    organization_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (organization_id, run_id, sequence),
    FOREIGN KEY (organization_id, run_id) REFERENCES runs (organization_id, id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What was spent under a budget. It outlives what it was spent for.
CREATE TABLE spending (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    subject TEXT NOT NULL CHECK (subject IN ('organization', 'user', 'token', 'assistant')),
    subject_id TEXT NOT NULL,
    period TEXT NOT NULL,
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    cost_micros INTEGER NOT NULL CHECK (cost_micros >= 0),
    reserved_tokens INTEGER NOT NULL CHECK (reserved_tokens >= 0),
    PRIMARY KEY (organization_id, subject, subject_id, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE automations (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    name_key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE UNIQUE INDEX automations_by_name ON automations (organization_id, name_key);

CREATE TABLE executions (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    automation_id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, automation_id) REFERENCES automations (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX executions_in_order ON executions (organization_id, automation_id, id);
