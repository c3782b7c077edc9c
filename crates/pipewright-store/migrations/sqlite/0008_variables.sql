-- What builds are given as environment variables: for every application of an account, for one, or for one's steps that
-- deploy to an environment. Every value is sealed; a secured one is never shown again.
CREATE TABLE variables (
    id              BLOB PRIMARY KEY,
    account_id      BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    application_id  BLOB REFERENCES applications (id) ON DELETE CASCADE, -- null: every application of the account
    environment     TEXT NOT NULL, -- as written; empty: every step
    environment_key TEXT NOT NULL, -- lower case, for comparison
    name            TEXT NOT NULL,
    value_sealed    BLOB NOT NULL,
    is_secured      INTEGER NOT NULL,
    changed_by      TEXT NOT NULL,
    changed_at      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX variables_of_account ON variables (account_id, name) WHERE application_id IS NULL;
CREATE UNIQUE INDEX variables_of_application ON variables (application_id, environment_key, name) WHERE application_id IS NOT NULL;
