-- What an application's steps sign in to other hosts with: one key, whose private half is sealed.
CREATE TABLE application_keys (
    application_id     UUID PRIMARY KEY REFERENCES applications (id) ON DELETE CASCADE,
    account_id         UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    public_line        TEXT NOT NULL, -- as in authorized_keys
    fingerprint        TEXT NOT NULL,
    private_key_sealed BYTEA NOT NULL,
    changed_by         TEXT NOT NULL,
    changed_at         BIGINT NOT NULL
);

-- The hosts that those steps know, a key of each kind once.
CREATE TABLE known_hosts (
    id             UUID PRIMARY KEY,
    application_id UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    account_id     UUID NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    host           TEXT NOT NULL, -- as the first word of a line of known_hosts
    kind           TEXT NOT NULL, -- ssh-ed25519
    public_key     TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    changed_by     TEXT NOT NULL,
    changed_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX known_hosts_of_application ON known_hosts (application_id, host, kind);
