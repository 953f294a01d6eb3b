-- What people do together: shares, tags, rules, comments, favourites, webhooks, and a
-- log of it all in which each event is chained to the one before.

ALTER TABLE organizations ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

ALTER TABLE users ADD COLUMN external_id TEXT;

CREATE UNIQUE INDEX users_by_external_id ON users (organization_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE INDEX api_tokens_by_assistant
    ON api_tokens (organization_id, assistant_id, created_at, id)
    WHERE assistant_id IS NOT NULL;

-- The content moves behind the new columns, so that reading these does not walk its
-- overflow pages. The table is not made anew: what refers to it would go with it. The
-- default is for SQLite, which wants one for every new column; nothing relies on it.
ALTER TABLE assistants ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
-- By principal; read whole.
ALTER TABLE assistants ADD COLUMN shares TEXT NOT NULL DEFAULT '{}';
ALTER TABLE assistants RENAME COLUMN content TO content_before;
ALTER TABLE assistants ADD COLUMN content TEXT NOT NULL DEFAULT '{}';
UPDATE assistants SET content = content_before;
ALTER TABLE assistants DROP COLUMN content_before;

-- The log. Its key is the number of the event; events from before it was chained have
-- no hash.
CREATE TABLE chained_events (
    organization_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    hash BLOB CHECK (length(hash) = 32),
    at INTEGER NOT NULL,
    actor TEXT,
    token TEXT,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    -- The live assistant whose affair it is.
    assistant_id TEXT,
    before TEXT,
    after TEXT,
    PRIMARY KEY (organization_id, seq)
) STRICT;

INSERT INTO chained_events
    SELECT e.organization_id,
           row_number() OVER (PARTITION BY e.organization_id ORDER BY e.rowid),
           e.id, NULL, e.at, e.actor, e.token, e.address, e.request_id, e.action, e.target,
           (
               SELECT coalesce(a.editing_id, a.id) FROM assistants a
               WHERE a.organization_id = e.organization_id
                 AND e.target LIKE 'asst\_%' ESCAPE '\' AND a.id = substr(e.target, 6)
           ),
           e.before, e.after
    FROM audit_events e;

DROP TABLE audit_events;
ALTER TABLE chained_events RENAME TO audit_events;

CREATE UNIQUE INDEX audit_events_by_id ON audit_events (organization_id, id);
CREATE INDEX audit_events_by_assistant ON audit_events (organization_id, assistant_id, seq)
    WHERE assistant_id IS NOT NULL;
CREATE INDEX audit_events_by_target ON audit_events (organization_id, target, seq);
CREATE INDEX audit_events_by_actor ON audit_events (organization_id, actor, seq)
    WHERE actor IS NOT NULL;

CREATE TRIGGER audit_events_are_not_changed BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_events_are_not_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- Where the log of an organization ends.
CREATE TABLE audit_heads (
    organization_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

INSERT INTO audit_heads
    SELECT organization_id, max(seq), zeroblob(32) FROM audit_events GROUP BY organization_id;

-- With a rowid, as the texts are large.
CREATE TABLE rules (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT,
    -- In lower case, as searches compare it.
    description_key TEXT,
    category TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    apply_mode TEXT NOT NULL,
    is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    version INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE UNIQUE INDEX rules_by_name ON rules (organization_id, name_key);

-- What rules are attached to beside assistants, whose content carries theirs. With a
-- rowid: else SQLite would take the beginning of its key for the index below.
CREATE TABLE rule_attachments (
    organization_id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    entity_kind TEXT NOT NULL
        CHECK (entity_kind IN ('organization', 'user', 'model', 'vector_store')),
    entity_id TEXT NOT NULL,
    priority INTEGER NOT NULL,
    character_limit INTEGER NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    attached_at INTEGER NOT NULL,
    attached_by TEXT NOT NULL,
    PRIMARY KEY (organization_id, rule_id, entity_kind, entity_id),
    FOREIGN KEY (organization_id, rule_id) REFERENCES rules (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX rule_attachments_by_entity
    ON rule_attachments (organization_id, entity_kind, entity_id);

CREATE TABLE comments (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    -- What it replies to.
    parent_id TEXT,
    -- May be gone.
    author TEXT NOT NULL,
    message TEXT NOT NULL,
    pointer TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, parent_id) REFERENCES comments (organization_id, id)
        ON DELETE CASCADE,
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
) STRICT;

CREATE INDEX comments_in_order ON comments (organization_id, assistant_id, parent_id, id);
CREATE INDEX comments_by_parent ON comments (organization_id, parent_id)
    WHERE parent_id IS NOT NULL;
-- Counting what is new to somebody reads this alone.
CREATE INDEX comments_by_age ON comments (organization_id, assistant_id, created_at, author);

CREATE TABLE comment_reads (
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    read_until INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id, assistant_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tags_by_name ON tags (organization_id, name_key);

-- Of the user's organization; the assistant may be of another.
CREATE TABLE favorites (
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id, assistant_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    events TEXT NOT NULL,
    -- Sealed with the organization's data key.
    secret BLOB NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    disabled_reason TEXT,
    -- The last event of the log that was looked at for it.
    cursor INTEGER NOT NULL,
    failing_since INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

-- All that is needed to tell which are behind the head of their log.
CREATE INDEX webhooks_by_cursor ON webhooks (organization_id, cursor, id) WHERE enabled = 1;

CREATE TABLE webhook_deliveries (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    event_seq INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    next_attempt_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, webhook_id) REFERENCES webhooks (organization_id, id)
        ON DELETE CASCADE
) STRICT;

CREATE INDEX webhook_deliveries_in_order
    ON webhook_deliveries (organization_id, webhook_id, id);
CREATE INDEX webhook_deliveries_by_turn ON webhook_deliveries (next_attempt_at, id)
    WHERE state = 'pending';
