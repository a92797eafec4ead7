-- SPDX-License-Identifier: MIT
-- A question for db_failover that writes, so that a primary whose disk is full or
-- hangs is seen: question=SELECT infra_failover.beat().  It answers the newest token.
-- On the primary, once its table "token" is there: mariadb < db_beat_mariadb.sql
-- The user of the checks needs EXECUTE on it.  With semi-synchronous replication a
-- primary that no replica acknowledges is one that hangs, to this question.
CREATE TABLE infra_failover.heart (
    one TINYINT PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    at TIMESTAMP(6) NOT NULL
) ENGINE = InnoDB;
INSERT INTO infra_failover.heart (at) VALUES (now(6));

DELIMITER $$
CREATE FUNCTION infra_failover.beat() RETURNS BIGINT
MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
    IF NOT @@read_only THEN
        UPDATE infra_failover.heart SET at = now(6);
    END IF;
    RETURN (SELECT max(token) FROM infra_failover.token);
END
$$
DELIMITER ;
