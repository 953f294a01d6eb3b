-- Reads on the hot path, each one statement and one round trip. A function sets
-- what row-level security asks for; as each call is a transaction of its own, the
-- setting is gone afterwards. Assignments, not PERFORM: they need no query.

-- An assistant as the store reads it.
CREATE TYPE assistant_record AS (
    organization_id uuid,
    id uuid,
    editing_id uuid,
    slug text,
    owner_user uuid,
    owner_team uuid,
    created_by uuid,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_default boolean,
    version bigint,
    revision bigint,
    content json,
    policy json,
    draft_id uuid
);

-- A caller with the assistant they name, whose part is NULL when there is none. A
-- type of its own, as a function that lists its columns describes them on each call.
CREATE TYPE caller_record AS (
    caller_organization uuid,
    caller_user uuid,
    caller_email text,
    caller_name text,
    caller_role text,
    caller_departments text[],
    caller_teams uuid[],
    caller_team_roles text[],
    caller_ai_seat boolean,
    caller_disabled boolean,
    caller_expires_at timestamptz,
    caller_session uuid,
    caller_token uuid,
    token_read_only boolean,
    token_assistant uuid,
    token_cidr text,
    token_scopes text[],
    organization_id uuid,
    id uuid,
    editing_id uuid,
    slug text,
    owner_user uuid,
    owner_team uuid,
    created_by uuid,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    is_default boolean,
    version bigint,
    revision bigint,
    content json,
    policy json,
    draft_id uuid
);

-- The caller who shows one of the first three: no row when there is none, two when
-- the assistant is a draft (the other has the live one). The case that counts, an
-- assistant of the caller's organization by id, takes two queries.
CREATE FUNCTION find_caller(
    shown_token bytea,
    shown_cookie bytea,
    shown_session uuid,
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
    ELSE
        ignored := set_config('app.session', shown_session::text, true);
        SELECT s.organization_id, s.user_id, s.expires_at, s.id
            INTO tenant, who, ends, its_session
            FROM sessions s WHERE s.id = shown_session;
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
           a.is_default, a.version, a.revision, a.content, a.policy,
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
           l.version, l.revision, l.content, l.policy,
           CASE WHEN found_one.id IS NOT NULL THEN found_one.id END
        INTO found_one.organization_id, found_one.id, found_one.editing_id, found_one.slug,
             found_one.owner_user, found_one.owner_team, found_one.created_by,
             found_one.created_at, found_one.updated_at, found_one.deleted_at,
             found_one.is_default, found_one.version, found_one.revision, found_one.content,
             found_one.policy, found_one.draft_id
        FROM assistants l
        WHERE l.id = coalesce(found_one.editing_id, wanted_id)
          AND (l.organization_id = tenant OR (
              found_one.editing_id IS NULL AND l.access_mode IN ('global', 'public')
              AND l.editing_id IS NULL AND l.deleted_at IS NULL
          ));
    RETURN NEXT found_one;
END
$$;

-- The assistant, and when it is a draft the live one too.
CREATE FUNCTION find_assistant(tenant uuid, wanted_id uuid, wanted_slug text)
RETURNS SETOF assistant_record LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.organization', tenant::text, true);
    IF wanted_slug IS NOT NULL THEN
        wanted_id := (
            SELECT a.id FROM assistants a
            WHERE a.organization_id = tenant AND a.slug = wanted_slug AND a.editing_id IS NULL
        );
    END IF;
    RETURN QUERY
        SELECT a.organization_id, a.id, a.editing_id, a.slug, a.owner_user, a.owner_team,
               a.created_by, a.created_at, a.updated_at, a.deleted_at, a.is_default,
               a.version, a.revision, a.content, a.policy,
               (
                   SELECT d.id FROM assistants d
                   WHERE d.organization_id = tenant AND d.editing_id = a.id
               )
        FROM assistants a
        WHERE a.organization_id = tenant AND a.id = wanted_id
        UNION ALL
        SELECT l.organization_id, l.id, l.editing_id, l.slug, l.owner_user, l.owner_team,
               l.created_by, l.created_at, l.updated_at, l.deleted_at, l.is_default,
               l.version, l.revision, l.content, l.policy, d.id
        FROM assistants d
        JOIN assistants l ON l.organization_id = d.organization_id AND l.id = d.editing_id
        WHERE d.organization_id = tenant AND d.id = wanted_id
        UNION ALL
        SELECT g.organization_id, g.id, g.editing_id, g.slug, g.owner_user, g.owner_team,
               g.created_by, g.created_at, g.updated_at, g.deleted_at, g.is_default,
               g.version, g.revision, g.content, g.policy, NULL
        FROM assistants g
        WHERE g.id = wanted_id AND g.organization_id <> tenant
          AND g.access_mode IN ('global', 'public')
          AND g.editing_id IS NULL AND g.deleted_at IS NULL;
END
$$;

CREATE FUNCTION find_default_assistant(tenant uuid)
RETURNS SETOF assistant_record LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.organization', tenant::text, true);
    RETURN QUERY
        SELECT a.organization_id, a.id, a.editing_id, a.slug, a.owner_user, a.owner_team,
               a.created_by, a.created_at, a.updated_at, a.deleted_at, a.is_default,
               a.version, a.revision, a.content, a.policy, d.id
        FROM assistants a
        LEFT JOIN assistants d
            ON d.organization_id = a.organization_id AND d.editing_id = a.id
        WHERE a.organization_id = tenant AND a.is_default
          AND a.editing_id IS NULL AND a.deleted_at IS NULL;
END
$$;

CREATE FUNCTION find_login(shown_email text)
RETURNS TABLE (user_id uuid, organization_id uuid, password text, disabled boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.login', shown_email, true);
    RETURN QUERY
        SELECT u.id, u.organization_id, u.password, u.disabled
        FROM users u WHERE u.email = shown_email;
END
$$;

CREATE FUNCTION find_first_organization()
RETURNS SETOF organizations LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.lookup', 'first-organization', true);
    RETURN QUERY SELECT o.* FROM organizations o ORDER BY o.created_at, o.id LIMIT 1;
END
$$;

-- Records uses of tokens of any organization; never moves one back.
CREATE FUNCTION record_token_uses(
    tenants uuid[], tokens uuid[], moments timestamptz[], addresses text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    FOR n IN 1 .. coalesce(array_length(tokens, 1), 0) LOOP
        ignored := set_config('app.organization', tenants[n]::text, true);
        UPDATE api_tokens t SET used_at = moments[n], used_from = addresses[n]
        WHERE t.organization_id = tenants[n] AND t.id = tokens[n]
          AND (t.used_at IS NULL OR t.used_at < moments[n]);
    END LOOP;
END
$$;

-- Reserves an idempotency key, or tells what is there. Of two calls at the same
-- time the unique key lets one insert; the other waits for it and then reads.
CREATE FUNCTION reserve_idempotency_key(
    tenant uuid, caller uuid, its_route text, its_key text, its_body_hash bytea,
    moment timestamptz, used_before timestamptz
) RETURNS TABLE (
    is_fresh boolean, same_body boolean, status smallint, headers json, body bytea
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.organization', tenant::text, true);
    LOOP
        INSERT INTO idempotency_keys AS k
            (organization_id, user_id, route, key, body_hash, created_at)
            VALUES (tenant, caller, its_route, its_key, its_body_hash, moment)
            ON CONFLICT (organization_id, user_id, route, key) DO UPDATE
                SET body_hash = excluded.body_hash, created_at = excluded.created_at,
                    status = NULL, headers = NULL, body = NULL
                WHERE k.created_at < used_before;
        IF FOUND THEN
            RETURN QUERY SELECT true, true, NULL::smallint, NULL::json, NULL::bytea;
            RETURN;
        END IF;
        RETURN QUERY
            SELECT false, k.body_hash = its_body_hash, k.status, k.headers, k.body
            FROM idempotency_keys k
            WHERE k.organization_id = tenant AND k.user_id = caller
              AND k.route = its_route AND k.key = its_key;
        IF FOUND THEN
            RETURN;
        END IF;
        -- It was released in between: try again.
    END LOOP;
END
$$;

CREATE FUNCTION sweep(keys_before timestamptz, moment timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ignored text;
BEGIN
    ignored := set_config('app.sweep_keys', keys_before::text, true);
    ignored := set_config('app.sweep_sessions', moment::text, true);
    DELETE FROM idempotency_keys WHERE created_at < keys_before;
    DELETE FROM sessions WHERE expires_at <= moment;
END
$$;
