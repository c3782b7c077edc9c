-- Schedules: builds of an application by the clock. A due time becomes a firing in the transaction that moves next_at on,
-- and goes in the transaction that makes its build, so that neither is ever lost or done twice.

CREATE TABLE schedules (
    id             BLOB PRIMARY KEY,
    account_id     BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    ref_name       TEXT NOT NULL, -- full: refs/heads/… or refs/tags/…
    custom         TEXT, -- null for what a push of the ref runs
    variables      TEXT NOT NULL, -- JSON: those that differ from the file's defaults
    cron           TEXT NOT NULL,
    time_zone      TEXT NOT NULL,
    is_on          INTEGER NOT NULL,
    next_at        INTEGER, -- null while it is off, or where no time is left
    message        TEXT, -- why the last due time made no build
    last_build_id  BLOB REFERENCES builds (id) ON DELETE SET NULL,
    created_by     TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_by_application ON schedules (application_id, id);

CREATE TABLE firings (
    schedule_id BLOB NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    due_at      INTEGER NOT NULL,
    missed      INTEGER NOT NULL, -- due times before it that were passed over
    tries       INTEGER NOT NULL,
    retry_at    INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, due_at)
) STRICT;
CREATE INDEX firings_to_make ON firings (retry_at);
