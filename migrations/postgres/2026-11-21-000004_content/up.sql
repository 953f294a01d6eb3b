-- What assistants are made of: blobs, uploads, pictures, what was extracted from
-- documents, providers, and what they cost.
--
-- Settings beside those of 000001, likewise for one transaction only:
--
-- app.image_key      the last segment of a picture's address
-- app.sweep_uploads  uploads that expire up to this instant may be seen
-- app.sweep          `blobs`: the ledger and its names may be seen, to sweep it

-- The ledger: bytes that an organization took in. The bytes are in the blob store.
CREATE TABLE blobs (
    organization_id uuid NOT NULL REFERENCES organizations,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    size bigint NOT NULL CHECK (size >= 0),
    touched_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, digest)
);
CREATE INDEX blobs_touched_at_idx ON blobs (touched_at);

-- Which rows name which blobs. Whoever writes a row that can name any writes its
-- names in the same transaction; that a name is of a known blob is checked here.
CREATE TABLE blob_names (
    organization_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL
        CHECK (kind IN ('assistant', 'version', 'upload', 'image', 'extraction')),
    -- The row's id in 32 hex digits; of an extraction the digest of the document.
    owner text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (organization_id, kind, owner, digest),
    FOREIGN KEY (organization_id, digest) REFERENCES blobs ON DELETE RESTRICT
);
CREATE INDEX blob_names_digest_idx ON blob_names (organization_id, digest);

CREATE TABLE uploads (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text,
    declared_type text,
    length bigint,
    parts json NOT NULL,
    -- The bytes and their media type, once they have all come.
    digest bytea CHECK (octet_length(digest) = 32),
    size bigint,
    media_type text,
    metadata text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    CHECK (num_nonnulls(digest, size, media_type) IN (0, 3))
);
CREATE INDEX uploads_expires_at_idx ON uploads (expires_at);

CREATE TABLE images (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    assistant_id uuid,
    key text COLLATE "C" NOT NULL,
    is_avatar boolean NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    size bigint NOT NULL,
    created_at timestamptz NOT NULL,
    origin json NOT NULL,
    PRIMARY KEY (organization_id, id)
);
-- An address does not name its organization.
CREATE UNIQUE INDEX images_key_key ON images (key);
-- Ids grow with time, so the newest has the last.
CREATE INDEX images_newest_idx ON images (organization_id, id) WHERE NOT is_avatar;
CREATE INDEX images_user_idx ON images (organization_id, user_id, id) WHERE NOT is_avatar;
CREATE INDEX images_avatar_idx ON images (organization_id, assistant_id, id) WHERE is_avatar;

CREATE TABLE extractions (
    organization_id uuid NOT NULL,
    source bytea NOT NULL,
    outcome json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, source),
    FOREIGN KEY (organization_id, source) REFERENCES blobs ON DELETE RESTRICT
);

CREATE TABLE providers (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    base_url text,
    -- Sealed with the organization's data key.
    api_key bytea,
    models json NOT NULL,
    priority integer NOT NULL,
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX providers_name_key ON providers (organization_id, name_key);

-- One row for each use; it outlives what was made.
CREATE TABLE usage (
    organization_id uuid NOT NULL REFERENCES organizations,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    assistant_id uuid,
    kind text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX usage_at_idx ON usage (organization_id, at);

CREATE TABLE imports (
    organization_id uuid NOT NULL,
    -- The identifier that the assistant has where it comes from.
    external text COLLATE "C" NOT NULL,
    assistant_id uuid NOT NULL,
    PRIMARY KEY (organization_id, external),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants
);
-- Looked for when a draft goes, as a draft is a row of assistants.
CREATE INDEX imports_assistant_idx ON imports (organization_id, assistant_id);

DO $$
DECLARE
    tenant_table text;
    mine constant text := 'nullif(current_setting(''app.organization'', true), '''')::uuid';
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'blobs', 'blob_names', 'uploads', 'images', 'extractions', 'providers', 'usage', 'imports'
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

CREATE POLICY shown ON images FOR SELECT
    USING (key = nullif(current_setting('app.image_key', true), ''));
CREATE POLICY sweep_seen ON uploads FOR SELECT
    USING (expires_at <= nullif(current_setting('app.sweep_uploads', true), '')::timestamptz);
CREATE POLICY sweep_seen ON blobs FOR SELECT
    USING (current_setting('app.sweep', true) = 'blobs');
CREATE POLICY sweep_seen ON blob_names FOR SELECT
    USING (current_setting('app.sweep', true) = 'blobs');

GRANT SELECT, INSERT, UPDATE, DELETE ON blobs, uploads, extractions, providers
    TO understudy_app;
-- Neither a name nor a picture ever changes.
GRANT SELECT, INSERT, DELETE ON blob_names, images TO understudy_app;
GRANT SELECT, INSERT, UPDATE ON imports TO understudy_app;
-- What only grows.
GRANT SELECT, INSERT ON usage TO understudy_app;

-- Strikes a blob out, unless it is young or named. Locks first: whoever takes it in
-- or names it then waits until this transaction ends, and each statement after it
-- sees what those before have committed.
CREATE FUNCTION forget_blob(tenant uuid, its_digest bytea, young_from timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    last_touched timestamptz;
BEGIN
    SELECT b.touched_at INTO last_touched
        FROM blobs b WHERE b.organization_id = tenant AND b.digest = its_digest
        FOR UPDATE;
    IF NOT FOUND OR last_touched >= young_from THEN
        RETURN false;
    END IF;
    PERFORM FROM blob_names n
        WHERE n.organization_id = tenant AND n.digest = its_digest LIMIT 1;
    IF FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM blob_names n
        WHERE n.organization_id = tenant AND n.kind = 'extraction'
          AND n.owner = encode(its_digest, 'hex');
    DELETE FROM extractions e WHERE e.organization_id = tenant AND e.source = its_digest;
    DELETE FROM blobs b WHERE b.organization_id = tenant AND b.digest = its_digest;
    RETURN true;
END
$$;

-- Removes a draft with its names in one round trip, but two statements: the second
-- sees the names that were given while the first waited for the draft.
CREATE FUNCTION delete_draft(tenant uuid, its_id uuid)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM assistants a
        WHERE a.organization_id = tenant AND a.id = its_id AND a.editing_id IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM blob_names n
        WHERE n.organization_id = tenant AND n.kind = 'assistant'
          AND n.owner = replace(its_id::text, '-', '');
    RETURN true;
END
$$;

-- The picture with this address, of whatever organization.
CREATE FUNCTION find_image(shown_key text) RETURNS SETOF images LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.image_key', shown_key, true);
    RETURN QUERY SELECT i.* FROM images i WHERE i.key = shown_key;
END
$$;

-- What is to be swept out or checked in all organizations. As for lists, the planner
-- cannot know that the limits are small, hence the settings: index walks.
CREATE FUNCTION find_expired_uploads(moment timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, id uuid) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep_uploads', moment::text, true);
    RETURN QUERY
        SELECT u.organization_id, u.id FROM uploads u
        WHERE u.expires_at <= moment ORDER BY u.expires_at LIMIT take;
END
$$;

CREATE FUNCTION find_unnamed_blobs(touched_before timestamptz, take bigint)
RETURNS TABLE (organization_id uuid, digest bytea) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'blobs', true);
    RETURN QUERY
        SELECT b.organization_id, b.digest FROM blobs b
        WHERE b.touched_at < touched_before AND NOT EXISTS (
            SELECT FROM blob_names n
            WHERE n.organization_id = b.organization_id AND n.digest = b.digest
        )
        ORDER BY b.touched_at LIMIT take;
END
$$;

CREATE FUNCTION find_named_blobs(after_organization uuid, after_digest bytea, take bigint)
RETURNS TABLE (organization_id uuid, digest bytea, size bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'blobs', true);
    RETURN QUERY
        SELECT b.organization_id, b.digest, b.size FROM blobs b
        WHERE (b.organization_id, b.digest) > (after_organization, after_digest) AND EXISTS (
            SELECT FROM blob_names n
            WHERE n.organization_id = b.organization_id AND n.digest = b.digest
        )
        ORDER BY b.organization_id, b.digest LIMIT take;
END
$$;

CREATE FUNCTION find_known_blobs(tenants uuid[], digests bytea[])
RETURNS TABLE (organization_id uuid, digest bytea) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep', 'blobs', true);
    RETURN QUERY
        SELECT b.organization_id, b.digest
        FROM unnest(tenants, digests) AS asked (organization_id, digest)
        JOIN blobs b
            ON b.organization_id = asked.organization_id AND b.digest = asked.digest;
END
$$;
