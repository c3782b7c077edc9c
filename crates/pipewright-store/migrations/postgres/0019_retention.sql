-- How long an account keeps what its builds leave; what it does not say is the installation's setting.
CREATE TABLE retention (
    account_id     UUID PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    builds_days    BIGINT,
    builds_per_ref BIGINT,
    logs_days      BIGINT,
    bodies_days    BIGINT, -- of deliveries
    statuses_days  BIGINT, -- that were sent or given up
    changed_at     BIGINT NOT NULL
);

-- What applications take, as it was last measured.
CREATE TABLE storage_sizes (
    application_id UUID PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
    builds         BIGINT NOT NULL,
    logs           BIGINT NOT NULL,
    log_bytes      BIGINT NOT NULL,
    artifacts      BIGINT NOT NULL,
    artifact_bytes BIGINT NOT NULL,
    deliveries     BIGINT NOT NULL,
    body_bytes     BIGINT NOT NULL,
    statuses       BIGINT NOT NULL,
    cache_bytes    BIGINT NOT NULL,
    mirror_bytes   BIGINT NOT NULL,
    measured_at    BIGINT NOT NULL
);

-- Files whose rows are gone and that are still there: written with what removed the rows, so that no file is forgotten.
CREATE TABLE removals (
    kind TEXT NOT NULL CHECK (kind IN ('log', 'artifact')),
    id   UUID NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Set when the log went; its length stays, to say what there was.
ALTER TABLE attempts ADD COLUMN log_removed_at BIGINT;

CREATE INDEX builds_finished ON builds (account_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX builds_by_ref ON builds (application_id, ref_name, number);
CREATE INDEX attempts_with_log ON attempts (finished_at) WHERE state = 'finished' AND log_removed_at IS NULL;
CREATE INDEX deliveries_with_body ON deliveries (account_id, received_at) WHERE state <> 'received' AND LENGTH(body) > 0;
CREATE INDEX deliveries_over ON deliveries (account_id, received_at) WHERE state <> 'received';
CREATE INDEX statuses_sent ON statuses (sent_at) WHERE sent_at IS NOT NULL;
CREATE INDEX statuses_given_up ON statuses (given_up_at) WHERE given_up_at IS NOT NULL;
