-- SPDX-License-Identifier: MIT
-- A question for db_failover that writes, so that a primary whose disk is full or
-- hangs is seen: question=SELECT infra_failover.beat().  It answers the newest token.
-- On the primary, once its table "token" is there: psql -f db_beat_pgsql.sql
-- No replica has to acknowledge what it writes.
CREATE TABLE infra_failover.heart (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at timestamptz NOT NULL
);
INSERT INTO infra_failover.heart (at) VALUES (now());

CREATE FUNCTION infra_failover.beat() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF current_setting('transaction_read_only') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'local', true);
        UPDATE infra_failover.heart SET at = clock_timestamp();
    END IF;
    RETURN (SELECT max(token) FROM infra_failover.token);
END
$$;
