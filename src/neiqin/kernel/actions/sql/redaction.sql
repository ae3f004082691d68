-- What is left of a text in history when a person's words must go (PIPL art. 47). The only way in which a row of history
-- changes, and only so: words in its texts become a mark. Every row so changed is told in actions_redaction, with the
-- digest it has from then on; that table is audited, so the seals hold it.

CREATE OR REPLACE FUNCTION kernel_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('neiqin.redacting', true) = 'on'
       AND TG_TABLE_NAME ~ '^actions_(run|event|change)(_|$)' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: %', lower(TG_OP), TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'NQ001';
END $$;

-- A JSON value without these words in its texts; keys, numbers and the rest stay.
CREATE FUNCTION kernel_without(value jsonb, words text[], mark text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE word text; found text;
BEGIN
    CASE jsonb_typeof(value)
    WHEN 'string' THEN
        found := value #>> '{}';
        FOREACH word IN ARRAY words LOOP found := replace(found, word, mark); END LOOP;
        RETURN to_jsonb(found);
    WHEN 'object' THEN
        RETURN (SELECT coalesce(jsonb_object_agg(key, kernel_without(e.value, words, mark)), '{}') FROM jsonb_each(value) e);
    WHEN 'array' THEN
        RETURN (SELECT coalesce(jsonb_agg(kernel_without(e, words, mark) ORDER BY n), '[]')
                FROM jsonb_array_elements(value) WITH ORDINALITY AS a (e, n));
    ELSE
        RETURN value;
    END CASE;
END $$;

-- Which rows of history it changed. The redaction's own rows are never touched, nor are ids, moments, persons and states.
CREATE FUNCTION kernel_redact(words text[], mark text, changes bigint[], events bigint[], runs bigint[])
RETURNS TABLE (tbl text, row_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM unnest(words) w WHERE length(w) < 2) THEN
        RAISE EXCEPTION 'a word of less than two characters is not redacted' USING ERRCODE = 'NQ003';
    END IF;
    PERFORM kernel_current_run();
    PERFORM set_config('neiqin.redacting', 'on', true);
    RETURN QUERY UPDATE actions_change c SET before = kernel_without(c.before::jsonb, words, mark)::text::json,
        after = kernel_without(c.after::jsonb, words, mark)::text::json
        WHERE c.id = ANY(changes) AND c.tbl <> 'actions_redaction' RETURNING 'actions_change'::text, c.id;
    RETURN QUERY UPDATE actions_event e SET data = kernel_without(e.data::jsonb, words, mark)::text::json
        WHERE e.id = ANY(events) RETURNING 'actions_event'::text, e.id;
    RETURN QUERY UPDATE actions_run r SET params = kernel_without(r.params::jsonb, words, mark)::text::json
        WHERE r.id = ANY(runs) RETURNING 'actions_run'::text, r.id;
    PERFORM set_config('neiqin.redacting', 'off', true);
END $$;
