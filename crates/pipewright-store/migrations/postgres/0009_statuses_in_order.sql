-- Statuses leave in the order in which they became true. That is counted here: ids are made from the clock, which may go back.
-- The default counts for versions that do not know of the column, too.
CREATE SEQUENCE statuses_sequence;
ALTER TABLE statuses ADD COLUMN sequence BIGINT;
UPDATE statuses SET sequence = ordered.place
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM statuses) ordered WHERE ordered.id = statuses.id;
SELECT setval('statuses_sequence', COALESCE((SELECT MAX(sequence) FROM statuses), 0) + 1, false);
ALTER TABLE statuses ALTER COLUMN sequence SET DEFAULT nextval('statuses_sequence');
ALTER TABLE statuses ALTER COLUMN sequence SET NOT NULL;
ALTER SEQUENCE statuses_sequence OWNED BY statuses.sequence;
DROP INDEX statuses_to_send;
DROP INDEX statuses_in_order;
CREATE INDEX statuses_to_send ON statuses (integration_id, sequence) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX statuses_in_order ON statuses (repository_id, commit_hash, status_key, sequence) WHERE sent_at IS NULL AND given_up_at IS NULL;
