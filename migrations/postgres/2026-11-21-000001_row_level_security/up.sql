-- The second wall. The application acts as `understudy_app`, which sees a row
-- only when a policy says so:
--
-- app.organization  the tenant of the transaction
-- app.credential    hex of the hash of a token or cookie that somebody shows
-- app.session       a session that a JWT names
-- app.login         the e-mail address that somebody logs in with
-- app.lookup        `first-organization`: what the console asks before it knows one
-- app.sweep_keys, app.sweep_sessions  what is older than this may be swept
--
-- All are set for one transaction only. A setting that was ever set in a
-- connection reads as '' afterwards, hence `nullif`.

DO $$
DECLARE
    tenant_table text;
    mine constant text := 'nullif(current_setting(''app.organization'', true), '''')::uuid';
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO understudy_app', current_schema());
    FOREACH tenant_table IN ARRAY ARRAY[
        'users', 'teams', 'team_members', 'api_tokens', 'sessions', 'assistants',
        'assistant_audience', 'versions', 'sealed_values', 'data_keys', 'audit_events',
        'idempotency_keys'
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

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations
    USING (id = nullif(current_setting('app.organization', true), '')::uuid)
    WITH CHECK (id = nullif(current_setting('app.organization', true), '')::uuid);
CREATE POLICY first_organization ON organizations FOR SELECT
    USING (current_setting('app.lookup', true) = 'first-organization');

CREATE POLICY login ON users FOR SELECT
    USING (email = nullif(current_setting('app.login', true), ''));

CREATE POLICY shown ON api_tokens FOR SELECT
    USING (hash = decode(nullif(current_setting('app.credential', true), ''), 'hex'));

CREATE POLICY shown ON sessions FOR SELECT
    USING (
        cookie = decode(nullif(current_setting('app.credential', true), ''), 'hex')
        OR id = nullif(current_setting('app.session', true), '')::uuid
    );
CREATE POLICY sweep_seen ON sessions FOR SELECT
    USING (expires_at <= nullif(current_setting('app.sweep_sessions', true), '')::timestamptz);
CREATE POLICY sweep ON sessions FOR DELETE
    USING (expires_at <= nullif(current_setting('app.sweep_sessions', true), '')::timestamptz);

CREATE POLICY sweep_seen ON idempotency_keys FOR SELECT
    USING (created_at < nullif(current_setting('app.sweep_keys', true), '')::timestamptz);
CREATE POLICY sweep ON idempotency_keys FOR DELETE
    USING (created_at < nullif(current_setting('app.sweep_keys', true), '')::timestamptz);

-- The only things that cross the wall between organizations.
CREATE POLICY everywhere ON assistants FOR SELECT
    USING (access_mode IN ('global', 'public') AND editing_id IS NULL AND deleted_at IS NULL);
CREATE POLICY everywhere ON assistant_audience FOR SELECT
    USING (realm = '00000000-0000-0000-0000-000000000000');

GRANT SELECT, INSERT ON installation TO understudy_app;
GRANT SELECT, INSERT, UPDATE ON organizations TO understudy_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON users, teams, team_members, api_tokens, sessions, assistants, assistant_audience,
       idempotency_keys
    TO understudy_app;
-- What only grows.
GRANT SELECT, INSERT ON versions, sealed_values, data_keys, audit_events TO understudy_app;
