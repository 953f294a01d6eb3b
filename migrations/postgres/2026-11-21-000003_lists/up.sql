-- Lists of assistants: for each sort order one function, made from one text.
--
-- A caller who does not administer sees what their keys reach. Each key is a walk
-- along an index of the audience, in order, behind the last page's end and no
-- further than a page; the walks are merged. So a page costs keys times page size,
-- wherever it is and however many assistants there are. The planner cannot know
-- that the limit is small, hence the settings: index walks, planned once.
--
-- `filter` is NULL, or an object of the conditions; it stands in a CASE so that
-- its unknown selectivity does not talk the planner out of the walk.

DO $generate$
DECLARE
    sort record;
    columns constant text :=
        'a.organization_id, a.id, a.editing_id, a.slug, a.owner_user, a.owner_team,
         a.created_by, a.created_at, a.updated_at, a.deleted_at, a.is_default,
         a.version, a.revision, a.content, a.policy, d.id';
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
         wanted_only uuid := filter ->> ''only'';';
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
        CREATE FUNCTION count_assistants(
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
