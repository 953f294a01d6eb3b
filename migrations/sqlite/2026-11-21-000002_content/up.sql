-- Bytes that an organization took in. The bytes themselves are in the blob store.
CREATE TABLE blobs (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER NOT NULL CHECK (size >= 0),
    touched_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX blobs_by_age ON blobs (touched_at);

-- Which rows name which blobs. Not checked against the rows: whoever writes one
-- writes its names in the same transaction.
CREATE TABLE blob_names (
    organization_id TEXT NOT NULL,
    -- assistant, version, upload, image or extraction.
    kind TEXT NOT NULL,
    -- The row's identifier; of an extraction the digest of the document, in hex.
    owner TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (organization_id, kind, owner, digest),
    FOREIGN KEY (organization_id, digest) REFERENCES blobs (organization_id, digest)
        ON DELETE RESTRICT
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_names_by_digest ON blob_names (organization_id, digest);

CREATE TABLE uploads (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    declared_type TEXT,
    length INTEGER,
    parts TEXT NOT NULL,
    -- The bytes and their media type, once they have all come.
    digest BLOB CHECK (length(digest) = 32),
    size INTEGER,
    media_type TEXT,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK ((digest IS NULL) = (size IS NULL) AND (digest IS NULL) = (media_type IS NULL))
) STRICT;

CREATE INDEX uploads_by_end ON uploads (expires_at);

CREATE TABLE images (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    assistant_id TEXT,
    -- The last segment of its address.
    key TEXT NOT NULL,
    is_avatar INTEGER NOT NULL CHECK (is_avatar IN (0, 1)),
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    size INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT;

-- An address does not name its organization.
CREATE UNIQUE INDEX images_by_key ON images (key);
CREATE INDEX images_in_order ON images (organization_id, id) WHERE is_avatar = 0;
CREATE INDEX images_of_user_in_order ON images (organization_id, user_id, id)
    WHERE is_avatar = 0;
CREATE INDEX images_by_avatar ON images (organization_id, assistant_id, id)
    WHERE is_avatar = 1;

CREATE TABLE extractions (
    organization_id TEXT NOT NULL,
    source BLOB NOT NULL,
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, source),
    FOREIGN KEY (organization_id, source) REFERENCES blobs (organization_id, digest)
        ON DELETE RESTRICT
) STRICT;

CREATE TABLE providers (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    base_url TEXT,
    -- Sealed with the organization's data key.
    api_key BLOB,
    models TEXT NOT NULL,
    priority INTEGER NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX providers_by_name ON providers (organization_id, name_key);
CREATE INDEX providers_in_order ON providers (organization_id, priority, name_key);

CREATE TABLE usage (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    assistant_id TEXT,
    kind TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_in_order ON usage (organization_id, at);

CREATE TABLE imports (
    organization_id TEXT NOT NULL,
    -- The identifier that the assistant has where it comes from.
    external TEXT NOT NULL,
    assistant_id TEXT NOT NULL,
    PRIMARY KEY (organization_id, external),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id)
        DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

-- The assistants that imports name are looked for when an assistant goes.
CREATE INDEX imports_by_assistant ON imports (organization_id, assistant_id);
