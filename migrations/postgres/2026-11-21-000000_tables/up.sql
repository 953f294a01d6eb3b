-- Every key leads with the organization. Text that is compared or sorted has
-- collation "C", so that order is byte order, as it is in the domain.
--
-- Documents (`content`, `policy`, `settings`, `before`, `after`) are `json`, not
-- `jsonb`: they are read whole and never searched, `json` goes out as it came in
-- (no rendering on each read), keeps numbers as they were written, and takes
-- `\u0000`. What lists filter on stands in columns beside them.

-- One row: the installation itself.
CREATE TABLE installation (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    key_check bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    settings json NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX organizations_created_at_idx ON organizations (created_at, id);

CREATE TABLE users (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    name text NOT NULL,
    -- The name in lower case, as searches compare it.
    name_key text COLLATE "C" NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'manager', 'member', 'viewer')),
    departments text[] NOT NULL,
    -- Copies of the user's rows in team_members, which a trigger keeps, so that
    -- finding a caller reads one table.
    teams uuid[] NOT NULL DEFAULT '{}',
    team_roles text[] NOT NULL DEFAULT '{}',
    ai_seat boolean NOT NULL,
    disabled boolean NOT NULL,
    password text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
-- A log-in name is unique in the installation, whatever the organization.
CREATE UNIQUE INDEX users_email_key ON users (email);
CREATE INDEX users_page_idx ON users (organization_id, email);

CREATE TABLE teams (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX teams_name_key ON teams (organization_id, name_key);

CREATE TABLE team_members (
    organization_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('member', 'admin')),
    PRIMARY KEY (organization_id, team_id, user_id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE INDEX team_members_user_idx ON team_members (organization_id, user_id);

CREATE FUNCTION copy_memberships() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locks first, in the order of keys: the statement after it then sees what
    -- others who changed memberships of the same users have committed.
    PERFORM FROM users u
        WHERE (u.organization_id, u.id) IN (SELECT c.organization_id, c.user_id FROM changed c)
        ORDER BY u.organization_id, u.id FOR NO KEY UPDATE;
    UPDATE users u
        SET teams = ARRAY(
                SELECT m.team_id FROM team_members m
                WHERE m.organization_id = u.organization_id AND m.user_id = u.id
                ORDER BY m.team_id
            ),
            team_roles = ARRAY(
                SELECT m.role FROM team_members m
                WHERE m.organization_id = u.organization_id AND m.user_id = u.id
                ORDER BY m.team_id
            )
        WHERE (u.organization_id, u.id) IN (SELECT c.organization_id, c.user_id FROM changed c);
    RETURN NULL;
END
$$;
CREATE TRIGGER copy_added AFTER INSERT ON team_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION copy_memberships();
CREATE TRIGGER copy_changed AFTER UPDATE ON team_members
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION copy_memberships();
CREATE TRIGGER copy_removed AFTER DELETE ON team_members
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION copy_memberships();

CREATE TABLE api_tokens (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('personal', 'assistant')),
    notes text NOT NULL,
    read_only boolean NOT NULL,
    assistant_id uuid,
    cidr text,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    used_at timestamptz,
    used_from text,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_tokens_hash_key ON api_tokens (hash);
CREATE INDEX api_tokens_user_idx ON api_tokens (organization_id, user_id);

CREATE TABLE sessions (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    cookie bytea NOT NULL CHECK (octet_length(cookie) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES users ON DELETE CASCADE
);
CREATE UNIQUE INDEX sessions_cookie_key ON sessions (cookie);
CREATE INDEX sessions_id_idx ON sessions (id);
CREATE INDEX sessions_user_idx ON sessions (organization_id, user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- Live assistants and their drafts (rows with `editing_id`).
CREATE TABLE assistants (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    editing_id uuid,
    slug text COLLATE "C",
    owner_user uuid,
    owner_team uuid,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    is_default boolean NOT NULL,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    content json NOT NULL,
    policy json NOT NULL,
    -- From here on: what content and policy say, for lists and uniqueness.
    kind text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    description_key text COLLATE "C",
    model_key text COLLATE "C" NOT NULL,
    metadata jsonb NOT NULL,
    access_mode text NOT NULL,
    is_active boolean NOT NULL,
    api_enabled boolean NOT NULL,
    chat_users uuid[] NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, editing_id) REFERENCES assistants (organization_id, id),
    CHECK (num_nonnulls(owner_user, owner_team) = 1),
    CHECK (editing_id IS NULL OR slug IS NULL)
);
CREATE UNIQUE INDEX assistants_name_key ON assistants (organization_id, name_key)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX assistants_slug_key ON assistants (organization_id, slug)
    WHERE editing_id IS NULL;
CREATE UNIQUE INDEX assistants_draft_key ON assistants (organization_id, editing_id)
    WHERE editing_id IS NOT NULL;
CREATE UNIQUE INDEX assistants_default_key ON assistants (organization_id)
    WHERE is_default AND editing_id IS NULL AND deleted_at IS NULL;
-- Other organizations find global and public ones by id alone.
CREATE INDEX assistants_id_idx ON assistants (id);
CREATE INDEX assistants_owner_team_idx ON assistants (organization_id, owner_team)
    WHERE owner_team IS NOT NULL;
-- Administrators walk all live ones in order.
CREATE INDEX assistants_updated_at_idx ON assistants (organization_id, updated_at, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE INDEX assistants_created_at_idx ON assistants (organization_id, created_at, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;
CREATE INDEX assistants_name_idx ON assistants (organization_id, name_key, id)
    WHERE editing_id IS NULL AND deleted_at IS NULL;

-- Who reaches which live assistant: one row for each key of its audience, with
-- copies of the sort keys, so that a page of a list is a short walk along an
-- index. `realm` is the organization, or the nil UUID for everywhere.
CREATE TABLE assistant_audience (
    organization_id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    realm uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    level smallint NOT NULL,
    updated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, assistant_id, realm, key),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants ON DELETE CASCADE
);
CREATE INDEX assistant_audience_updated_at_idx
    ON assistant_audience (realm, key, updated_at, assistant_id) INCLUDE (organization_id);
CREATE INDEX assistant_audience_created_at_idx
    ON assistant_audience (realm, key, created_at, assistant_id) INCLUDE (organization_id);
CREATE INDEX assistant_audience_name_idx
    ON assistant_audience (realm, key, name_key, assistant_id) INCLUDE (organization_id);

CREATE TABLE versions (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    number bigint NOT NULL,
    author uuid NOT NULL,
    created_at timestamptz NOT NULL,
    message text,
    changes bigint NOT NULL,
    content json NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants
);
CREATE UNIQUE INDEX versions_number_key ON versions (organization_id, assistant_id, number);

CREATE TABLE sealed_values (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    assistant_id uuid NOT NULL,
    name text NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants
);

CREATE TABLE data_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX data_keys_newest_idx ON data_keys (organization_id, created_at, id);

CREATE TABLE audit_events (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor uuid,
    token uuid,
    address text,
    request_id text,
    action text NOT NULL,
    target text COLLATE "C" NOT NULL,
    before json,
    after json,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX audit_events_target_idx ON audit_events (organization_id, target, id);

CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL,
    route text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    created_at timestamptz NOT NULL,
    -- The answer, once there is one.
    status smallint,
    headers json,
    body bytea,
    PRIMARY KEY (organization_id, user_id, route, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
