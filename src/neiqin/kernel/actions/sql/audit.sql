-- One function for every business table, called by three statement-level triggers with transition tables.
-- FULL JOIN: an inner join's cached nested-loop plan turned 0.5 s into 17 s after twenty one-row updates.
-- OFFSET 0: without it the rows become jsonb again for each of their columns, which took five sixths of an update.
-- The SET clauses make the text independent of the session.
CREATE OR REPLACE FUNCTION kernel_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD'
SET intervalstyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF EXISTS (SELECT FROM new_rows) THEN
            INSERT INTO actions_change (run_id, tbl, row_id, op, after)
            SELECT kernel_current_run_once.run, TG_TABLE_NAME, n.id, 'I', jsonb_strip_nulls(to_jsonb(n))::text::json
            FROM (SELECT kernel_current_run() AS run OFFSET 0) AS kernel_current_run_once, new_rows n;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM old_rows) THEN
            INSERT INTO actions_change (run_id, tbl, row_id, op, before)
            SELECT kernel_current_run_once.run, TG_TABLE_NAME, o.id, 'D', jsonb_strip_nulls(to_jsonb(o))::text::json
            FROM (SELECT kernel_current_run() AS run OFFSET 0) AS kernel_current_run_once, old_rows o;
        END IF;
    ELSIF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO actions_change (run_id, tbl, row_id, op, before, after)
        SELECT kernel_current_run_once.run, TG_TABLE_NAME, id,
               CASE WHEN r.was IS NULL THEN 'I' WHEN r.is IS NULL THEN 'D' ELSE 'U' END::"char",   -- I and D: the key was changed
               CASE WHEN r.was IS NOT NULL THEN coalesce(d.before, r.was) END::text::json, d.after::text::json
        FROM (SELECT kernel_current_run() AS run OFFSET 0) AS kernel_current_run_once,
             (SELECT id, to_jsonb(o) AS was, to_jsonb(n) AS is FROM old_rows o FULL JOIN new_rows n USING (id) OFFSET 0) AS r
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(key, r.was -> key) AS before, jsonb_object_agg(key, value) AS after
            FROM jsonb_each(r.is) WHERE value IS DISTINCT FROM r.was -> key
        ) AS d
        WHERE r.was IS DISTINCT FROM r.is;   -- no-ops are dropped
    END IF;
    RETURN NULL;
END $$;
