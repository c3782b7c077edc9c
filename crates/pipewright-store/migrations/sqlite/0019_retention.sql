-- How long an account keeps what its builds leave; what it does not say is the installation's setting.
CREATE TABLE retention (
    account_id     BLOB PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    builds_days    INTEGER,
    builds_per_ref INTEGER,
    logs_days      INTEGER,
    bodies_days    INTEGER, -- of deliveries
    statuses_days  INTEGER, -- that were sent or given up
    changed_at     INTEGER NOT NULL
) STRICT;

-- What applications take, as it was last measured.
CREATE TABLE storage_sizes (
    application_id BLOB PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
    builds         INTEGER NOT NULL,
    logs           INTEGER NOT NULL,
    log_bytes      INTEGER NOT NULL,
    artifacts      INTEGER NOT NULL,
    artifact_bytes INTEGER NOT NULL,
    deliveries     INTEGER NOT NULL,
    body_bytes     INTEGER NOT NULL,
    statuses       INTEGER NOT NULL,
    cache_bytes    INTEGER NOT NULL,
    mirror_bytes   INTEGER NOT NULL,
    measured_at    INTEGER NOT NULL
) STRICT;

-- Files whose rows are gone and that are still there: written with what removed the rows, so that no file is forgotten.
CREATE TABLE removals (
    kind TEXT NOT NULL CHECK (kind IN ('log', 'artifact')),
    id   BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

-- Set when the log went; its length stays, to say what there was.
ALTER TABLE attempts ADD COLUMN log_removed_at INTEGER;

CREATE INDEX builds_finished ON builds (account_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX builds_by_ref ON builds (application_id, ref_name, number);
CREATE INDEX attempts_with_log ON attempts (finished_at) WHERE state = 'finished' AND log_removed_at IS NULL;
CREATE INDEX deliveries_with_body ON deliveries (account_id, received_at) WHERE state <> 'received' AND LENGTH(body) > 0;
CREATE INDEX deliveries_over ON deliveries (account_id, received_at) WHERE state <> 'received';
CREATE INDEX statuses_sent ON statuses (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX statuses_given_up ON statuses (given_up_at) WHERE given_up_at IS NOT NULL;
