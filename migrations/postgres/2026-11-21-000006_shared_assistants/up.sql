-- Assistants with what people share about them. The reads of 000002 and 000003 that
-- give assistants are made anew with both columns, and lists know tags and favourites.

ALTER TABLE assistants
    -- Who else may reach it: by principal, and read whole.
    ADD COLUMN shares json NOT NULL DEFAULT '{}',
    -- The identifiers of its tags, an array of texts.
    ADD COLUMN tags jsonb NOT NULL DEFAULT '[]';

-- Removes a tag and takes it off every assistant. Whoever is putting it on one holds
-- the tag; the statements after the first see what they have committed.
CREATE FUNCTION delete_tag(tenant uuid, its_id uuid, its_text text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tags t WHERE t.organization_id = tenant AND t.id = its_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM assistants a
        WHERE a.organization_id = tenant AND a.tags @> to_jsonb(its_text)
        ORDER BY a.id FOR NO KEY UPDATE;
    UPDATE assistants a SET tags = a.tags - its_text, revision = a.revision + 1
        WHERE a.organization_id = tenant AND a.tags @> to_jsonb(its_text);
    RETURN true;
END
$$;

-- Each with the functions that return it.
DROP TYPE assistant_record CASCADE;
DROP TYPE caller_record CASCADE;

-- As in 000002, with shares and tags.
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
    shares json,
    tags jsonb,
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
    shares json,
    tags jsonb,
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
               a.version, a.revision, a.content, a.policy, a.shares, a.tags,
               (
                   SELECT d.id FROM assistants d
                   WHERE d.organization_id = tenant AND d.editing_id = a.id
               )
        FROM assistants a
        WHERE a.organization_id = tenant AND a.id = wanted_id
        UNION ALL
        SELECT l.organization_id, l.id, l.editing_id, l.slug, l.owner_user, l.owner_team,
               l.created_by, l.created_at, l.updated_at, l.deleted_at, l.is_default,
               l.version, l.revision, l.content, l.policy, l.shares, l.tags, d.id
        FROM assistants d
        JOIN assistants l ON l.organization_id = d.organization_id AND l.id = d.editing_id
        WHERE d.organization_id = tenant AND d.id = wanted_id
        UNION ALL
        SELECT g.organization_id, g.id, g.editing_id, g.slug, g.owner_user, g.owner_team,
               g.created_by, g.created_at, g.updated_at, g.deleted_at, g.is_default,
               g.version, g.revision, g.content, g.policy, g.shares, g.tags, NULL
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
               a.version, a.revision, a.content, a.policy, a.shares, a.tags, d.id
        FROM assistants a
        LEFT JOIN assistants d
            ON d.organization_id = a.organization_id AND d.editing_id = a.id
        WHERE a.organization_id = tenant AND a.is_default
          AND a.editing_id IS NULL AND a.deleted_at IS NULL;
END
$$;

-- Lists, as in 000003. Favourites are the one filter that narrows them to so few that
-- the walk would be the wrong way round.

DO $generate$
DECLARE
    sort record;
    columns constant text :=
        'a.organization_id, a.id, a.editing_id, a.slug, a.owner_user, a.owner_team,
         a.created_by, a.created_at, a.updated_at, a.deleted_at, a.is_default,
         a.version, a.revision, a.content, a.policy, a.shares, a.tags, d.id';
    drafts constant text :=
        'LEFT JOIN assistants d
             ON d.organization_id = a.organization_id AND d.editing_id = a.id';
    everywhere constant text := '''00000000-0000-0000-0000-000000000000''::uuid';
    settings constant text :=
        'SET plan_cache_mode = force_generic_plan
         SET enable_seqscan = off SET enable_bitmapscan = off
         SET enable_hashjoin = off SET enable_mergejoin = off
         SET jit = off';
    declarations constant text :=
        'ignored text;
         wanted_q text := filter ->> ''q'';
         wanted_kind text := filter ->> ''kind'';
         wanted_owner_user uuid := filter ->> ''owner_user'';
         wanted_owner_team uuid := filter ->> ''owner_team'';
         wanted_access_mode text := filter ->> ''access_mode'';
         wanted_model text := filter ->> ''model'';
         wanted_active boolean := filter ->> ''is_active'';
         api_only boolean := coalesce((filter ->> ''api_enabled_only'')::boolean, false);
         chat_user uuid := filter ->> ''visible_in_chat_to'';
         wanted_metadata jsonb := filter -> ''metadata'';
         wanted_only uuid := filter ->> ''only'';
         wanted_tag jsonb := filter -> ''tag'';
         favorite_of uuid := filter ->> ''favorite_of'';';
    matches constant text :=
        '(wanted_q IS NULL OR strpos(a.name_key, wanted_q) > 0
             OR strpos(a.description_key, wanted_q) > 0)
         AND (wanted_kind IS NULL OR a.kind = wanted_kind)
         AND (wanted_owner_user IS NULL OR a.owner_user = wanted_owner_user)
         AND (wanted_owner_team IS NULL OR a.owner_team = wanted_owner_team)
         AND (wanted_access_mode IS NULL OR a.access_mode = wanted_access_mode)
         AND (wanted_model IS NULL OR a.model_key = wanted_model)
         AND (wanted_active IS NULL OR a.is_active = wanted_active)
         AND (NOT api_only OR a.api_enabled)
         AND (wanted_metadata IS NULL OR a.metadata @> wanted_metadata)
         AND (wanted_only IS NULL OR a.id = wanted_only)
         AND (wanted_tag IS NULL OR (a.organization_id = tenant AND a.tags @> wanted_tag))
         AND (favorite_of IS NULL OR coalesce((
             SELECT true FROM favorites f
             WHERE f.organization_id = tenant AND f.user_id = favorite_of
               AND f.assistant_id = a.id
         ), false))
         AND (chat_user IS NULL OR cardinality(a.chat_users) = 0
             OR chat_user = ANY (a.chat_users)
             OR (administers AND a.organization_id = tenant)
             OR coalesce((
                 SELECT true FROM assistant_audience x
                 WHERE x.organization_id = a.organization_id AND x.assistant_id = a.id
                   AND x.realm = tenant AND x.key = ANY (caller_keys) AND x.level >= 2
                 LIMIT 1
             ), false))';
    -- The conditions on the assistant of the audience row `g`.
    granted_matches constant text :=
        'CASE WHEN filter IS NULL THEN true ELSE (
             SELECT ' || matches || '
             FROM assistants a
             WHERE a.organization_id = g.organization_id AND a.id = g.assistant_id
         ) END';
BEGIN
    FOR sort IN
        SELECT c.key, c.type, o.name AS direction, o.operator
        FROM (VALUES ('updated_at', 'timestamptz'), ('created_at', 'timestamptz'),
                     ('name_key', 'text')) AS c (key, type)
        CROSS JOIN (VALUES ('asc', '>'), ('desc', '<')) AS o (name, operator)
    LOOP
        EXECUTE format($function$
            CREATE FUNCTION list_assistants_by_%1$s_%3$s(
                tenant uuid, administers boolean, caller_keys text[], filter jsonb,
                after_key %2$s, after_id uuid, take bigint
            ) RETURNS SETOF assistant_record LANGUAGE plpgsql %5$s AS $body$
            DECLARE
                %6$s
            BEGIN
                ignored := set_config('app.organization', tenant::text, true);
                IF wanted_only IS NOT NULL THEN
                    RETURN QUERY
                        SELECT %7$s FROM assistants a %8$s
                        WHERE a.id = wanted_only
                          AND a.editing_id IS NULL AND a.deleted_at IS NULL
                          AND (a.%1$s, a.id) %4$s (after_key, after_id)
                          AND ((administers AND a.organization_id = tenant) OR EXISTS (
                              SELECT FROM assistant_audience g
                              WHERE g.organization_id = a.organization_id
                                AND g.assistant_id = a.id
                                AND (g.realm = %9$s
                                     OR (g.realm = tenant AND g.key = ANY (caller_keys)))
                          ))
                          AND CASE WHEN true THEN %10$s END
                        LIMIT take;
                ELSIF favorite_of IS NOT NULL THEN
                    -- From the few that are marked, not along all that are reached.
                    RETURN QUERY
                        SELECT %7$s FROM favorites m JOIN assistants a ON a.id = m.assistant_id %8$s
                        WHERE m.organization_id = tenant AND m.user_id = favorite_of
                          AND a.editing_id IS NULL AND a.deleted_at IS NULL
                          AND (a.%1$s, a.id) %4$s (after_key, after_id)
                          AND ((administers AND a.organization_id = tenant) OR EXISTS (
                              SELECT FROM assistant_audience g
                              WHERE g.organization_id = a.organization_id
                                AND g.assistant_id = a.id
                                AND (g.realm = %9$s
                                     OR (g.realm = tenant AND g.key = ANY (caller_keys)))
                          ))
                          AND CASE WHEN true THEN %10$s END
                        ORDER BY a.%1$s %3$s, a.id %3$s LIMIT take;
                ELSIF administers THEN
                    RETURN QUERY
                        SELECT %7$s FROM (
                            (
                                SELECT a.%1$s AS sort_key, a.organization_id,
                                       a.id AS assistant_id
                                FROM assistants a
                                WHERE a.organization_id = tenant
                                  AND a.editing_id IS NULL AND a.deleted_at IS NULL
                                  AND (a.%1$s, a.id) %4$s (after_key, after_id)
                                  AND CASE WHEN filter IS NULL THEN true ELSE %10$s END
                                ORDER BY a.%1$s %3$s, a.id %3$s LIMIT take
                            ) UNION (
                                -- Their own too, which UNION drops: skipping them here
                                -- would walk over all of them.
                                SELECT g.%1$s, g.organization_id, g.assistant_id
                                FROM assistant_audience g
                                WHERE g.realm = %9$s AND g.key = 'everyone'
                                  AND (g.%1$s, g.assistant_id) %4$s (after_key, after_id)
                                  AND %11$s
                                ORDER BY g.%1$s %3$s, g.assistant_id %3$s LIMIT take
                            )
                            ORDER BY sort_key %3$s, assistant_id %3$s LIMIT take
                        ) page
                        JOIN assistants a
                            ON a.organization_id = page.organization_id
                            AND a.id = page.assistant_id
                        %8$s
                        ORDER BY page.sort_key %3$s, page.assistant_id %3$s;
                ELSE
                    RETURN QUERY
                        SELECT %7$s FROM (
                            SELECT DISTINCT walk.sort_key, walk.organization_id,
                                   walk.assistant_id
                            FROM (
                                SELECT tenant AS realm, unnest(caller_keys) AS key
                                UNION ALL SELECT %9$s, 'everyone'
                            ) k
                            CROSS JOIN LATERAL (
                                SELECT g.%1$s AS sort_key, g.organization_id, g.assistant_id
                                FROM assistant_audience g
                                WHERE g.realm = k.realm AND g.key = k.key
                                  AND (g.%1$s, g.assistant_id) %4$s (after_key, after_id)
                                  AND %11$s
                                ORDER BY g.%1$s %3$s, g.assistant_id %3$s LIMIT take
                            ) walk
                            ORDER BY sort_key %3$s, assistant_id %3$s LIMIT take
                        ) page
                        JOIN assistants a
                            ON a.organization_id = page.organization_id
                            AND a.id = page.assistant_id
                        %8$s
                        ORDER BY page.sort_key %3$s, page.assistant_id %3$s;
                END IF;
            END
            $body$ $function$,
            sort.key, sort.type, sort.direction, sort.operator, settings, declarations,
            columns, drafts, everywhere, matches, granted_matches
        );
    END LOOP;

    -- How many such a list has in all; costs what is counted.
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION count_assistants(
            tenant uuid, administers boolean, caller_keys text[], filter jsonb
        ) RETURNS bigint LANGUAGE plpgsql AS $body$
        DECLARE
            %1$s
            found_own bigint := 0;
            found_granted bigint;
        BEGIN
            ignored := set_config('app.organization', tenant::text, true);
            IF administers THEN
                SELECT count(*) INTO found_own FROM assistants a
                WHERE a.organization_id = tenant
                  AND a.editing_id IS NULL AND a.deleted_at IS NULL
                  AND CASE WHEN filter IS NULL THEN true ELSE %3$s END;
            END IF;
            SELECT count(DISTINCT (g.organization_id, g.assistant_id)) INTO found_granted
            FROM assistant_audience g
            WHERE ((g.realm = %2$s AND g.key = 'everyone')
                   OR (NOT administers AND g.realm = tenant AND g.key = ANY (caller_keys)))
              AND (NOT administers OR g.organization_id <> tenant)
              AND %4$s;
            RETURN found_own + found_granted;
        END
        $body$ $function$,
        declarations, everywhere, matches, granted_matches
    );
END
$generate$;
