-- Schedules: builds of an application by the clock. A due time becomes a firing in the transaction that moves next_at on,
-- and goes in the transaction that makes its build, so that neither is ever lost or done twice.

CREATE TABLE schedules (
    id             UUID PRIMARY KEY,
    account_id     UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    application_id UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    ref_name       TEXT NOT NULL, -- full: refs/heads/… or refs/tags/…
    custom         TEXT, -- null for what a push of the ref runs
    variables      JSONB NOT NULL, -- JSON: those that differ from the file's defaults
    cron           TEXT NOT NULL,
    time_zone      TEXT NOT NULL,
    is_on          BOOLEAN NOT NULL,
    next_at        BIGINT, -- null while it is off, or where no time is left
    message        TEXT, -- why the last due time made no build
    last_build_id  UUID REFERENCES builds (id) ON DELETE SET NULL,
    created_by     TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    changed_at     BIGINT NOT NULL
);
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_by_application ON schedules (application_id, id);

CREATE TABLE firings (
    schedule_id UUID NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    due_at      BIGINT NOT NULL,
    missed      BIGINT NOT NULL, -- due times before it that were passed over
    tries       BIGINT NOT NULL,
    retry_at    BIGINT NOT NULL,
    PRIMARY KEY (schedule_id, due_at)
);
CREATE INDEX firings_to_make ON firings (retry_at);
