-- Identifiers are UUIDs of 32 lower-case hex digits, times are microseconds since
-- the Unix epoch, JSON is text. Every key of a tenant's table begins with the
-- organization, so that no reference can leave it.

CREATE TABLE installation (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    key_check BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The name in Unicode lower case, which SQLite's lower() does not give.
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    departments TEXT NOT NULL,
    ai_seat INTEGER NOT NULL CHECK (ai_seat IN (0, 1)),
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    password TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX users_by_email ON users (email);
CREATE INDEX users_in_order ON users (organization_id, email);

CREATE TABLE teams (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX teams_by_name ON teams (organization_id, name_key);

CREATE TABLE team_members (
    organization_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (organization_id, team_id, user_id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX team_members_by_user ON team_members (organization_id, user_id, team_id, role);

CREATE TABLE api_tokens (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    notes TEXT NOT NULL,
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    -- The one assistant it reaches; it may outlive that assistant's draft.
    assistant_id TEXT,
    cidr TEXT,
    scopes TEXT NOT NULL,
    expires_at INTEGER,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    used_at INTEGER,
    used_from TEXT,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_tokens_by_hash ON api_tokens (hash);
CREATE INDEX api_tokens_by_user ON api_tokens (organization_id, user_id, created_at, id);

CREATE TABLE sessions (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    cookie BLOB NOT NULL CHECK (length(cookie) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sessions_by_cookie ON sessions (cookie);
-- A JWT names its session before the organization is known.
CREATE UNIQUE INDEX sessions_by_id ON sessions (id);
CREATE INDEX sessions_by_user ON sessions (organization_id, user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- With a rowid: rows are large, and WITHOUT ROWID would keep them in the inner
-- nodes of the tree. The documents stand last, so that reading a key does not
-- walk their overflow pages.
CREATE TABLE assistants (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    -- On a draft, the live assistant.
    editing_id TEXT,
    slug TEXT,
    name_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner_user TEXT,
    owner_team TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    model_key TEXT NOT NULL,
    access_mode TEXT NOT NULL,
    is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    api_enabled INTEGER NOT NULL CHECK (api_enabled IN (0, 1)),
    description_key TEXT,
    policy TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, editing_id) REFERENCES assistants (organization_id, id),
    CHECK ((owner_user IS NULL) <> (owner_team IS NULL))
) STRICT;

CREATE UNIQUE INDEX assistants_by_name ON assistants (organization_id, name_key)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX assistants_by_slug ON assistants (organization_id, slug)
    WHERE slug IS NOT NULL;
CREATE UNIQUE INDEX assistants_by_draft ON assistants (organization_id, editing_id)
    WHERE editing_id IS NOT NULL;
CREATE UNIQUE INDEX assistants_by_default ON assistants (organization_id)
    WHERE is_default = 1;
CREATE INDEX assistants_by_owner_team ON assistants (organization_id, owner_team)
    WHERE owner_team IS NOT NULL;
-- What other organizations may find, by id only.
CREATE INDEX assistants_everywhere ON assistants (id)
    WHERE editing_id IS NULL AND deleted_at IS NULL AND access_mode IN ('global', 'public');
-- The lists of administrators, who see all.
CREATE INDEX assistants_in_order_updated_at ON assistants (organization_id, updated_at, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE INDEX assistants_in_order_created_at ON assistants (organization_id, created_at, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE INDEX assistants_in_order_name_key ON assistants (organization_id, name_key, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;

-- Who may reach a live assistant: one row for each key of its audience, with
-- copies of the columns that lists are sorted by, so that a list walks an index.
CREATE TABLE assistant_audience (
    organization_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    -- The organization whose callers are meant; 32 zeros for all.
    realm TEXT NOT NULL,
    key TEXT NOT NULL,
    level INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    name_key TEXT NOT NULL,
    PRIMARY KEY (organization_id, assistant_id, realm, key),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX assistant_audience_in_order_updated_at
    ON assistant_audience (realm, key, updated_at, assistant_id);
CREATE INDEX assistant_audience_in_order_created_at
    ON assistant_audience (realm, key, created_at, assistant_id);
CREATE INDEX assistant_audience_in_order_name_key
    ON assistant_audience (realm, key, name_key, assistant_id);

CREATE TABLE versions (
    organization_id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    id TEXT NOT NULL,
    author TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    message TEXT,
    changes INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (organization_id, assistant_id, number),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE UNIQUE INDEX versions_by_id ON versions (organization_id, id);

CREATE TABLE sealed_values (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    -- Deferred: values are sealed before the assistant that names them is written.
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX sealed_values_by_assistant ON sealed_values (organization_id, assistant_id);

CREATE TABLE data_keys (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX data_keys_in_order ON data_keys (organization_id, created_at, id);

CREATE TABLE audit_events (
    organization_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT,
    token TEXT,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (organization_id, id)
) STRICT;

CREATE INDEX audit_events_by_target ON audit_events (organization_id, target, id);

CREATE TRIGGER audit_events_are_not_changed BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_events_are_not_deleted BEFORE DELETE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TABLE idempotency_keys (
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    created_at INTEGER NOT NULL,
    -- The three are NULL until the request is answered.
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (organization_id, user_id, route, key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
