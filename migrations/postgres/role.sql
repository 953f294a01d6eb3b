-- The role that every pooled connection acts as: neither owner nor superuser,
-- so that grants and row-level security bind it. Roles belong to the cluster,
-- not to the database: another database may have made it, or be making it now.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'understudy_app') THEN
        CREATE ROLE understudy_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN
        NULL; -- whether the role can be used is checked afterwards
END
$$;

DO $$
BEGIN
    -- Superusers may take any role.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT understudy_app TO %I', current_user);
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object OR internal_error THEN
        NULL; -- as above; `internal_error` is a grant at the same moment
END
$$;
