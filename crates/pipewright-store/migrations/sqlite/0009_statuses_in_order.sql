-- Statuses leave in the order in which they became true. That is counted here: ids are made from the clock, which may go back.
-- The trigger counts for versions that do not know of the column, too.
ALTER TABLE statuses ADD COLUMN sequence INTEGER;
UPDATE statuses SET sequence = rowid;
CREATE UNIQUE INDEX statuses_by_sequence ON statuses (sequence);
CREATE TRIGGER statuses_in_sequence AFTER INSERT ON statuses WHEN NEW.sequence IS NULL BEGIN
    UPDATE statuses SET sequence = (SELECT COALESCE(MAX(sequence), 0) + 1 FROM statuses) WHERE rowid = NEW.rowid;
END;
DROP INDEX statuses_to_send;
DROP INDEX statuses_in_order;
CREATE INDEX statuses_to_send ON statuses (integration_id, sequence) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX statuses_in_order ON statuses (repository_id, commit_hash, status_key, sequence) WHERE sent_at IS NULL AND given_up_at IS NULL;
