-- Numbers for metrics.

-- Counts the tasks of each status, visible and expired.
CREATE OR REPLACE FUNCTION {schema}.census(_now bytea)
RETURNS TABLE (status smallint, visible bigint, expired bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT status,
        count(*) FILTER (WHERE expires_at > greatest(_now, horizon)),
        count(*) FILTER (WHERE expires_at <= greatest(_now, horizon))
    FROM {schema}.tasks, {schema}.store GROUP BY status
$$;

-- Reads the visible received task of each account that has waited longest. It is the one with the
-- lowest revision, because times never go back along the revisions of an account.
CREATE OR REPLACE FUNCTION {schema}.waiting(_now bytea) RETURNS TABLE (id uuid, record text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    _instant bytea;
BEGIN
    SELECT greatest(_now, horizon) INTO STRICT _instant FROM {schema}.store;
    RETURN QUERY SELECT first.id, first.record FROM {schema}.accounts CROSS JOIN LATERAL (
        SELECT id, record FROM {schema}.tasks
        WHERE account = key AND status = 1 AND expires_at > _instant ORDER BY revision LIMIT 1
    ) AS first;
END $$;
